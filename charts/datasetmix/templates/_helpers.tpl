{{- /* The one image of manager and workers. */}}
{{- define "datasetmix.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* Labels that every object has. */}}
{{- define "datasetmix.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: datasetmix
{{- end }}

{{- /* Labels by which the manager is selected; they can never change. */}}
{{- define "datasetmix.managerLabels" -}}
app.kubernetes.io/name: datasetmix-operator
app.kubernetes.io/component: manager
{{- end }}

{{- /* The namespaces without mixes, as a list in CEL. */}}
{{- define "datasetmix.closedNamespaces" -}}
[{{ range $i, $name := .Values.admission.closedNamespaces }}{{ if $i }}, {{ end }}'{{ $name }}'{{ end }}]
{{- end }}
