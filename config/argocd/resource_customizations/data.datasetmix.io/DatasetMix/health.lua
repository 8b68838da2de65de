-- Health of a DatasetMix for Argo CD.
-- Conditions follow kstatus: Reconciling and Stalled exclude each other and are there only while True.
local function condition(kind)
  for _, c in ipairs((obj.status or {}).conditions or {}) do
    if c.type == kind then
      return c
    end
  end
  return nil
end

local function is(c, status)
  return c ~= nil and c.status == status
end

local ready, stalled = condition("Ready"), condition("Stalled")

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "It is being deleted."}
end
if ready == nil then
  return {status = "Progressing", message = "The operator has not looked at it yet."}
end
-- what is said of an earlier generation says nothing of this one
if obj.metadata.generation ~= nil and ready.observedGeneration ~= nil and ready.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not looked at the newest spec yet."}
end
if is(stalled, "True") then
  return {status = "Degraded", message = stalled.reason .. ": " .. stalled.message}
end
if is(ready, "True") then
  return {status = "Healthy", message = ready.message}
end
if ready.reason == "Suspended" then
  return {status = "Suspended", message = ready.message}
end
return {status = "Progressing", message = ready.reason .. ": " .. (ready.message or "")}
