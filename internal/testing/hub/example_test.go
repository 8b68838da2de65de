package hub_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/datasetmix/datasetmix/internal/testing/hub"
)

// A test arms a fault, lets its client run, and looks at what the client asked for.
func Example() {
	standIn := hub.New(hub.Options{}, hub.Repo{
		ID: "acme/letters", SHA: "0123456789abcdef0123456789abcdef01234567",
		Files: map[string]hub.File{"train.parquet": {Content: []byte("abcdefghij"), LFS: true}},
	})
	server := httptest.NewServer(standIn) // in a test: hub.Start(t, hub)
	defer server.Close()
	standIn.Faults.Add(hub.Fault{On: hub.KindCDN, Do: hub.CutAfter(3)})

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
	fmt.Println(standIn.Count(hub.KindTree), "listings,", standIn.Downloads(), "downloads,", standIn.Bytes(), "bytes")
	// Output:
	// abc unexpected EOF
	// abcdefghij <nil>
	// 0 listings, 2 downloads, 13 bytes
}
