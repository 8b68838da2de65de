package hub

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("hub: %v", err)) // only this package's own values come here
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// gated returns false where a repository is open, else "auto" or "manual": the Hub mixes the types.
func (r Repo) gated() any {
	if r.Gated == "" {
		return false
	}
	return r.Gated
}

// card returns the front matter of the repository's README, as data.
func (r Repo) card() map[string]any {
	card := map[string]any{}
	if r.License != "" {
		card["license"] = r.License
	}
	if len(r.Configs) > 0 {
		configs := make([]map[string]any, len(r.Configs))
		for i, c := range r.Configs {
			configs[i] = c.card()
		}
		card["configs"] = configs
	}
	maps.Copy(card, r.Card)
	return card
}

func (c Config) card() map[string]any {
	out := map[string]any{"config_name": c.Name}
	if c.Default {
		out["default"] = true
	}
	if c.DataDir != "" {
		out["data_dir"] = c.DataDir
	}
	var data []map[string]any
	for _, d := range c.Data {
		entry := map[string]any{"split": d.Split, "path": d.Paths}
		if len(d.Paths) == 1 {
			entry["path"] = d.Paths[0]
		}
		data = append(data, entry)
	}
	if len(data) > 0 {
		out["data_files"] = data
	}
	return out
}

func info(w http.ResponseWriter, r *http.Request, repo *commit) {
	paths := slices.Sorted(maps.Keys(repo.objects))
	siblings := make([]map[string]any, len(paths))
	for i, p := range paths {
		siblings[i] = map[string]any{"rfilename": p}
		if strings.EqualFold(r.URL.Query().Get("blobs"), "true") {
			maps.Copy(siblings[i], repo.objects[p].sibling())
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": repo.ID, "sha": repo.SHA, "private": repo.Private, "gated": repo.gated(), "disabled": repo.Disabled,
		"cardData": repo.card(), "siblings": siblings,
	})
}

// sibling returns what the information about a repository says of a file where sizes and digests are asked for: the words are others
// than those of the tree.
func (o object) sibling() map[string]any {
	entry := entryOf(o.name, o)
	sibling := map[string]any{"size": entry["size"], "blobId": entry["oid"]}
	if lfs, ok := entry["lfs"].(map[string]any); ok {
		sibling["lfs"] = map[string]any{"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
	}
	return sibling
}

// pathsInfo answers about the files and folders that a form names; of others it says nothing.
func pathsInfo(w http.ResponseWriter, r *http.Request, repo *commit) {
	var asked struct {
		Paths []string `json:"paths"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(io.LimitReader(r.Body, maxForm)).Decode(&asked); err != nil {
			refuse(w, http.StatusBadRequest, "", "The body is not JSON: "+err.Error())
			return
		}
	} else {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			refuse(w, http.StatusBadRequest, "", "The body is no form: "+err.Error())
			return
		}
		asked.Paths = r.PostForm["paths"]
	}
	out := []map[string]any{}
	for _, entry := range repo.entries("", true) {
		if slices.Contains(asked.Paths, entry["path"].(string)) {
			out = append(out, entry)
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// maxForm bounds what a client may send.
const maxForm = 1 << 20

// refs lists the branches and tags of a repository. The names of a commit that were given as aliases are branches.
func (h *Hub) refs(w http.ResponseWriter, _ *http.Request, repo *commit) {
	branches := []map[string]any{}
	h.mu.Lock()
	commits := h.repos[repo.ID]
	h.mu.Unlock()
	seen := map[string]bool{}
	for _, c := range slices.Backward(commits) {
		for _, name := range c.Aliases {
			if !seen[name] {
				branches = append(branches, map[string]any{"name": name, "ref": "refs/heads/" + name, "targetCommit": c.SHA})
			}
			seen[name] = true
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"branches": branches, "tags": []any{}, "converts": []any{}})
}

// commits lists the commits of a repository up to one of them, the newest first.
func (h *Hub) commits(w http.ResponseWriter, _ *http.Request, repo *commit) {
	h.mu.Lock()
	all := h.repos[repo.ID]
	h.mu.Unlock()
	out := []map[string]any{}
	for _, c := range slices.Backward(all) {
		if len(out) > 0 || c.SHA == repo.SHA {
			out = append(out, map[string]any{"id": c.SHA, "title": "Update data set", "message": "", "authors": []any{}, "date": "2024-01-01T00:00:00.000Z"})
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func authCheck(w http.ResponseWriter, _ *http.Request, _ *commit) {
	w.WriteHeader(http.StatusOK)
}

// entryOf returns a file as the tree shows it: oid is the git blob of what git holds, which for a large file is a pointer.
func entryOf(p string, o object) map[string]any {
	size := len(o.content)
	entry := map[string]any{"type": "file", "path": p, "size": size, "oid": o.gitBlob}
	if o.lfs {
		pointer := fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", o.sha256, size)
		entry["oid"] = gitBlob([]byte(pointer))
		entry["lfs"] = map[string]any{"oid": o.sha256, "size": size, "pointerSize": len(pointer)}
		entry["xetHash"] = o.xet
	}
	return entry
}

// entries lists a folder of a commit, directories included, in the order of their paths.
func (c *commit) entries(folder string, recursive bool) []map[string]any {
	out := map[string]map[string]any{}
	for p, o := range c.objects {
		if folder != "" && !strings.HasPrefix(p, folder+"/") {
			continue
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, folder), "/")
		if recursive || !strings.Contains(rel, "/") {
			out[p] = entryOf(p, o)
		}
		for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
			full := path.Join(folder, dir)
			if recursive || !strings.Contains(dir, "/") {
				out[full] = map[string]any{"type": "directory", "path": full, "size": 0, "oid": gitBlob([]byte(full))}
			}
		}
	}
	var sorted []map[string]any
	for _, p := range slices.Sorted(maps.Keys(out)) {
		sorted = append(sorted, out[p])
	}
	return sorted
}

// tree lists one page; the address of the next one is in the Link header, with the cursor inside it.
func (h *Hub) tree(w http.ResponseWriter, r *http.Request, repo *commit) {
	q := r.URL.Query()
	folder := strings.Trim(r.PathValue("path"), "/")
	all := repo.entries(folder, strings.EqualFold(q.Get("recursive"), "true"))
	if len(all) == 0 && folder != "" {
		refuse(w, http.StatusNotFound, "EntryNotFound", folder+" does not exist on "+r.PathValue("rev"))
		return
	}
	from, _ := strconv.Atoi(q.Get("cursor")) // no cursor is the first page
	from = min(max(from, 0), len(all))
	to := min(from+h.opts.PageSize, len(all))
	if to < len(all) {
		q.Set("cursor", strconv.Itoa(to))
		w.Header().Set("Link", "<"+cmp.Or(h.opts.LinkBase, ownBase(r))+r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
	}
	page := all[from:to]
	if page == nil {
		page = []map[string]any{} // an empty repository is [], not null
	}
	writeJSON(w, http.StatusOK, page)
}

func ownBase(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}
