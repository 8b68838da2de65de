package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// azure is a stand-in for Azure Blob Storage, since no server for it exists as a Go module. It implements the requests of this project: a flat listing
// in pages, reading a blob or a part of it under the condition of an ETag, signed addresses, and writing a blob. A container exists as soon as it has
// a blob. The rules are those of Microsoft's reference of the REST API.
type azure struct {
	account, signature string

	mu    sync.Mutex
	blobs map[string]azureBlob // by container/name
	puts  int
}

type azureBlob struct {
	content []byte
	etag    string
	md5     string // in base64, as whoever wrote it said it; the service compares it with nothing
	written time.Time
}

func newAzure(account, signature string) *azure {
	return &azure{account: account, signature: signature, blobs: map[string]azureBlob{}}
}

func (a *azure) put(path string, content []byte, md5 string) {
	a.puts++
	a.blobs[path] = azureBlob{
		content: content, md5: md5, etag: fmt.Sprintf("0x8DC%012X", a.puts), written: time.Date(2026, 1, 1, 0, 0, a.puts, 0, time.UTC),
	}
}

func (a *azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("X-Ms-Request-Id", "0f5b1b0e-0000")
	w.Header().Set("X-Ms-Version", "2025-01-05")
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "SharedKey "+a.account+":")
	if !signed && r.URL.Query().Get("sig") != a.signature {
		a.refuse(w, http.StatusForbidden, "AuthenticationFailed")
		return
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/"+a.account+"/")
	switch {
	case !ok:
		a.refuse(w, http.StatusBadRequest, "InvalidUri")
	case r.Method == http.MethodPut:
		content, err := io.ReadAll(r.Body)
		if err != nil {
			a.refuse(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		a.put(path, content, r.Header.Get("X-Ms-Blob-Content-Md5"))
		w.WriteHeader(http.StatusCreated)
	case r.URL.Query().Get("comp") == "list":
		a.list(w, r, path)
	default:
		a.get(w, r, path)
	}
}

func (a *azure) refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Ms-Error-Code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>no</Message></Error>`, code)
}

func (a *azure) get(w http.ResponseWriter, r *http.Request, path string) {
	found, ok := a.blobs[path]
	switch {
	case !ok:
		a.refuse(w, http.StatusNotFound, "BlobNotFound")
		return
	case r.Header.Get("If-Match") != "" && strings.Trim(r.Header.Get("If-Match"), `"`) != found.etag:
		a.refuse(w, http.StatusPreconditionFailed, "ConditionNotMet")
		return
	}
	r.Header.Del("If-Match")
	w.Header().Set("Etag", `"`+found.etag+`"`)
	w.Header().Set("X-Ms-Blob-Type", "BlockBlob")
	http.ServeContent(w, r, "", found.written, bytes.NewReader(found.content))
}

// Elements of a listing.
type (
	azureListing struct {
		XMLName    xml.Name    `xml:"EnumerationResults"`
		Blobs      []azureItem `xml:"Blobs>Blob"`
		NextMarker string
	}
	azureItem struct {
		Name       string
		Properties azureProperties
	}
	azureProperties struct {
		LastModified  string `xml:"Last-Modified"`
		Etag          string
		ContentLength int    `xml:"Content-Length"`
		ContentMD5    string `xml:"Content-MD5,omitempty"`
		BlobType      string
	}
)

// azurePage is smaller than any real store's, so that listings have pages.
const azurePage = 3

func (a *azure) list(w http.ResponseWriter, r *http.Request, container string) {
	var names []string
	for path := range a.blobs {
		if name, ok := strings.CutPrefix(path, container+"/"); ok && strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	from, _ := strconv.Atoi(r.URL.Query().Get("marker")) // none is 0
	listing := azureListing{}
	for i, name := range names[min(from, len(names)):] {
		if i == azurePage {
			listing.NextMarker = strconv.Itoa(from + i)
			break
		}
		found := a.blobs[container+"/"+name]
		listing.Blobs = append(listing.Blobs, azureItem{name, azureProperties{
			found.written.Format(http.TimeFormat), found.etag, len(found.content), found.md5, "BlockBlob",
		}})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(listing) // the client may be gone
}
