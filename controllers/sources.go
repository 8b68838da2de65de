package controllers

import (
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/pipeline"
)

// requestLength is what the schema allows, in characters.
const requestLength = 256

// source is what a data set's source was resolved to, nil while that is not known.
func (s *scope) source(name string) *datav1alpha1.SourceStatus {
	done := s.result(pipeline.StageDownload, name).Download
	if done == nil {
		return nil
	}
	named, _ := s.recipe.Source(name)
	status := &datav1alpha1.SourceStatus{
		Request: contract.Clean(named.Source.Request(), requestLength), Revision: done.Revision, License: done.License,
		FileCount: ptr.To(int32(done.Files)), Bytes: &done.Bytes, Digest: done.Digest,
	}
	for _, file := range done.Listed {
		status.Files = append(status.Files, datav1alpha1.SourceFile{Path: file.Path, Bytes: ptr.To(file.Size), SHA256: file.SHA256})
	}
	if divided := s.result(pipeline.StageSplit, name).Split; divided != nil {
		status.Rows = &divided.Read
	}
	return status
}
