package open_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/recipe"
	"github.com/datasetmix/datasetmix/internal/source/open"
	"github.com/datasetmix/datasetmix/internal/testing/hub"
	"github.com/datasetmix/datasetmix/internal/testing/repos"
	"github.com/datasetmix/datasetmix/internal/testing/sources"
)

// A data set is listed once, and each of its files fetched to where it is wanted.
func Example() {
	standIn := httptest.NewServer(hub.New(hub.Options{}, repos.Generated(0.01)...))
	defer standIn.Close()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ctx := context.Background()
	spec := recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "hotpotqa/hotpot_qa", Config: "distractor", Split: "train"}}
	var options open.Options
	options.Hub.Endpoint = standIn.URL
	s, err := open.New(spec, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := s.Resolve(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Revision, l.License)
	for _, f := range l.Files {
		got, err := sources.FetchTo(ctx, s, f, filepath.Join(dir, "part"))
		if err != nil {
			fmt.Println(err)
			return
		}
		err = os.Rename(filepath.Join(dir, "part"), filepath.Join(dir, got.SHA256))
		fmt.Println(f.Path, got.SHA256 == f.SHA256, err)
	}
	// Output:
	// 1908d6afbbead072334abe2965f91bd2709910ab cc-by-sa-4.0
	// distractor/train-00000-of-00002.parquet true <nil>
	// distractor/train-00001-of-00002.parquet true <nil>
}

// An error says by its reason whether trying again later may help.
func Example_reason() {
	standIn := httptest.NewServer(hub.New(hub.Options{}, repos.Generated(0.01)...))
	defer standIn.Close()
	spec := recipe.Source{HuggingFace: &recipe.HuggingFace{Repo: "openai/gsm8k", Config: "maths"}}
	var options open.Options
	options.Hub.Endpoint = standIn.URL
	s, err := open.New(spec, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = s.Resolve(context.Background())
	var failure *contract.Failure
	if errors.As(err, &failure) {
		fmt.Println(failure.Reason, failure.Reason.Permanent())
		fmt.Println(failure.Message)
	}
	// Output:
	// SourceNotFound true
	// Repository openai/gsm8k has no configuration "maths". It has main.
}
