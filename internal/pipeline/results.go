package pipeline

// Results are the results of finished nodes, by stage and by name.
type Results map[Stage]map[string]Result

// Add notes the result of a node of a stage.
func (r Results) Add(stage Stage, name string, result Result) {
	if r[stage] == nil {
		r[stage] = map[string]Result{}
	}
	r[stage][name] = result
}

// Download returns what was downloaded for a data set or a probe, nil while it is not finished.
func (r Results) Download(name string) *DownloadResult { return r[StageDownload][name].Download }

// Split returns how a data set was split, nil while it is not finished.
func (r Results) Split(dataset string) *SplitResult { return r[StageSplit][dataset].Split }

// Balance returns the result of the balance stage, nil while it is not finished.
func (r Results) Balance() *BalanceResult {
	for _, result := range r[StageBalance] { // which has one node
		return result.Balance
	}
	return nil
}

// Mix returns a file of the mix stage by the name of its node, nil while it is not finished.
func (r Results) Mix(name string) *MixResult { return r[StageMix][name].Mix }

// Results returns those of the graph's nodes among results by key.
func (g Graph) Results(byKey map[string]Result) Results {
	results := Results{}
	for _, step := range g.Steps {
		for _, node := range step.Nodes {
			if result, finished := byKey[node.Key]; finished {
				results.Add(step.Stage, node.Name, result)
			}
		}
	}
	return results
}

// Node finds a node of a stage that was reached by its name.
func (g Graph) Node(stage Stage, name string) (Node, bool) {
	step, _ := g.Step(stage)
	for _, node := range step.Nodes {
		if node.Name == name {
			return node, true
		}
	}
	return Node{}, false
}
