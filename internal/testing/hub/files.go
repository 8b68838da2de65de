package hub

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// object is a file's bytes with the names the Hub knows them by.
type object struct {
	name    string // base name, for the response's content type alone
	content []byte
	lfs     bool
	sha256  string
	gitBlob string
	xet     string
}

func newObject(path string, f File) object {
	sum := sha256.Sum256(f.Content)
	xet := sha256.Sum256(append([]byte("xet\x00"), sum[:]...))
	return object{
		name: path[strings.LastIndexByte(path, '/')+1:], content: f.Content, lfs: f.LFS,
		sha256: hex.EncodeToString(sum[:]), gitBlob: gitBlob(f.Content), xet: hex.EncodeToString(xet[:]),
	}
}

// gitBlob returns git's digest of a content, in 40 hexadecimal digits.
func gitBlob(content []byte) string {
	d := sha1.New()
	fmt.Fprintf(d, "blob %d\x00", len(content))
	d.Write(content)
	return hex.EncodeToString(d.Sum(nil))
}

// resolve redirects to the address of a file. Its commit, digest and size are in this answer, and not in the one that follows.
func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, repo *commit) {
	path := r.PathValue("path")
	o, ok := repo.objects[path]
	if !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	header := w.Header()
	header.Set("X-Repo-Commit", repo.SHA)
	header.Set("Accept-Ranges", "bytes")
	if o.lfs {
		header.Set("ETag", strconv.Quote(o.sha256))
		header.Set("X-Linked-Etag", strconv.Quote(o.sha256))
		header.Set("X-Linked-Size", strconv.Itoa(len(o.content)))
		header.Set("X-Xet-Hash", o.xet)
		header.Set("Location", h.signed(ownBase(r), repo.SHA, o))
		w.WriteHeader(http.StatusFound)
		return
	}
	header.Set("ETag", strconv.Quote(o.gitBlob))
	header.Set("Location", fmt.Sprintf("/api/resolve-cache/datasets/%s/%s/%s?etag=%s",
		repo.ID, repo.SHA, escapePath(path), url.QueryEscape(strconv.Quote(o.gitBlob))))
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// escapePath escapes the segments of a path and keeps its slashes.
func escapePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// cached serves a small file. Like the real one it needs the query string of the redirect, and compresses for a client
// that did not ask for the bytes as they are: such a client loses length, ranges and digest. The Hub's own client asks
// for the head of a file without the query string.
func (h *Hub) cached(w http.ResponseWriter, r *http.Request, repo *commit) {
	o, ok := repo.objects[r.PathValue("path")]
	if !ok || o.lfs || (r.Method != http.MethodHead || r.URL.RawQuery != "") && r.URL.Query().Get("etag") != strconv.Quote(o.gitBlob) {
		refuse(w, http.StatusBadRequest, "", "The etag of this address is missing or wrong.")
		return
	}
	w.Header().Set("X-Repo-Commit", repo.SHA)
	if r.Method != http.MethodHead && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", "W/"+strconv.Quote(o.gitBlob))
		_ = http.NewResponseController(w).Flush() // from here on the body is chunked: nobody knows its length
		z := gzip.NewWriter(w)
		_, _ = z.Write(o.content) // the client may be gone
		_ = z.Close()
		return
	}
	w.Header().Set("ETag", strconv.Quote(o.gitBlob))
	serve(w, r, o)
}

// serve sends bytes with everything http.ServeContent knows: HEAD, Range, If-Range, Accept-Ranges.
func serve(w http.ResponseWriter, r *http.Request, o object) {
	http.ServeContent(w, r, o.name, time.Time{}, bytes.NewReader(o.content))
}

// signed returns the address of a large file, which works for a while and without a token.
func (h *Hub) signed(own, sha string, o object) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	base := cmp.Or(strings.TrimSuffix(h.opts.CDN, "/"), own)
	path := "/cdn/xet-bridge-us/" + o.sha256
	until := h.opts.Now().Add(h.opts.SignedFor).Unix()
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"},
		"X-Amz-Expires":   {strconv.Itoa(int(h.opts.SignedFor / time.Second))},
		"until":           {strconv.FormatInt(until, 10)},
		"sig":             {signature(path, until, h.epoch)},
	}
	if base == own {
		q.Set("commit", sha)
	}
	return base + path + "?" + q.Encode()
}

func signature(path string, until int64, epoch int) string {
	mac := hmac.New(sha256.New, []byte("hubtest"))
	fmt.Fprintf(mac, "%s %d %d", path, until, epoch)
	return hex.EncodeToString(mac.Sum(nil))
}

// cdn serves a large file to the holder of a signed address. On a host of its own it refuses a request that also carries a
// token, as the storage behind the Hub does, and it knows nothing of repositories: no commit, no digest. On the
// Hub's own host it says them again, since a client follows a redirect there before it looks.
func (h *Hub) cdn(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	until, _ := strconv.ParseInt(q.Get("until"), 10, 64) // a bad number is long ago
	h.mu.Lock()
	epoch, elsewhere := h.epoch, h.opts.CDN != "" // else it is the Hub itself, which a token is for
	o, ok := h.objects[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
	h.mu.Unlock()
	switch {
	case elsewhere && r.Header.Get("Authorization") != "":
		storageError(w, http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed")
	case h.opts.Now().Unix() > until || q.Get("sig") != signature(r.URL.Path, until, epoch):
		storageError(w, http.StatusForbidden, "AccessDenied", "Request has expired")
	case !ok:
		storageError(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	default:
		w.Header().Set("ETag", strconv.Quote(o.xet))
		if sha := q.Get("commit"); !elsewhere && sha != "" {
			w.Header().Set("X-Repo-Commit", sha)
			w.Header().Set("X-Linked-Etag", strconv.Quote(o.sha256))
			w.Header().Set("X-Linked-Size", strconv.Itoa(len(o.content)))
		}
		w.Header().Set("Content-Type", "binary/octet-stream")
		serve(w, r, o)
	}
}

func storageError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}
