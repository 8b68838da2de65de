package hubtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/datasetmix/datasetmix/internal/hubtest"
)

// A test arms a fault, lets its client run, and looks at what the client asked for.
func Example() {
	hub := hubtest.New(hubtest.Options{}, hubtest.Repo{
		ID: "acme/letters", SHA: "0123456789abcdef0123456789abcdef01234567",
		Files: map[string]hubtest.File{"train.parquet": {Content: []byte("abcdefghij"), LFS: true}},
	})
	server := httptest.NewServer(hub) // in a test: hubtest.Start(t, hub)
	defer server.Close()
	hub.Faults.Add(hubtest.Fault{On: hubtest.KindCDN, Do: hubtest.CutAfter(3)})

	for range 2 {
		res, err := http.Get(server.URL + "/datasets/acme/letters/resolve/main/train.parquet")
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Printf("%s %v\n", body, err)
	}
	fmt.Println(hub.Count(hubtest.KindTree), "listings,", hub.Downloads(), "downloads,", hub.Bytes(), "bytes")
	// Output:
	// abc unexpected EOF
	// abcdefghij <nil>
	// 0 listings, 2 downloads, 13 bytes
}
