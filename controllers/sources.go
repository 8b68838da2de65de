package controllers

import (
	"k8s.io/utils/ptr"

	datav1alpha1 "github.com/datasetmix/datasetmix/api/v1alpha1"
	"github.com/datasetmix/datasetmix/internal/recipe"
)

const (
	// filesShown, pathLength and requestLength are what the schema allows.
	filesShown    = 8
	pathLength    = 256
	requestLength = 256
	sha256Length  = 64
)

// source is what a data set's source was resolved to, nil while that is not known.
func (s *scope) source(name string) *datav1alpha1.SourceStatus {
	done := s.result(recipe.Download, name).Download
	if done == nil {
		return nil
	}
	named, _ := s.recipe.Source(name)
	status := &datav1alpha1.SourceStatus{
		Request: cut(named.Source.Request(), requestLength), Revision: done.Revision, License: done.License,
		FileCount: ptr.To(int32(done.Files)), Bytes: &done.Bytes, Digest: done.Digest,
	}
	for _, file := range done.Listed[:min(len(done.Listed), filesShown)] {
		if file.Path != "" && len(file.SHA256) == sha256Length {
			status.Files = append(status.Files, datav1alpha1.SourceFile{Path: cut(file.Path, pathLength), Bytes: ptr.To(file.Size), SHA256: file.SHA256})
		}
	}
	if divided := s.result(recipe.Divide, name).Split; divided != nil {
		status.Rows = &divided.Read
	}
	return status
}

// cut shortens a text to so many characters.
func cut(text string, limit int) string {
	if characters := []rune(text); len(characters) > limit {
		return string(characters[:limit-1]) + "…"
	}
	return text
}
