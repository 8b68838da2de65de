package hub

import (
	"encoding/json"
	"fmt"
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
		panic(fmt.Sprintf("hubtest: %v", err)) // only this package's own values come here
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// gated is false where a repository is open, else "auto" or "manual": the Hub mixes the types.
func (r Repo) gated() any {
	if r.Gated == "" {
		return false
	}
	return r.Gated
}

// card is the front matter of the repository's README, as data.
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

func (h *Hub) info(w http.ResponseWriter, r *http.Request, repo *commit) {
	paths := slices.Sorted(maps.Keys(repo.objects))
	siblings := make([]map[string]any, len(paths))
	for i, p := range paths {
		siblings[i] = map[string]any{"rfilename": p}
		if r.URL.Query().Get("blobs") == "true" {
			maps.Copy(siblings[i], entryOf(p, repo.objects[p]))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": repo.ID, "sha": repo.SHA, "private": repo.Private, "gated": repo.gated(), "disabled": repo.Disabled,
		"cardData": repo.card(), "siblings": siblings,
	})
}

func (h *Hub) authCheck(w http.ResponseWriter, _ *http.Request, _ *commit) {
	w.WriteHeader(http.StatusOK)
}

// entryOf is a file as the tree shows it: oid is the git blob of what git holds, which for a large file is a pointer.
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

// tree lists one page; the address of the next one stands in the Link header, with the cursor inside it.
func (h *Hub) tree(w http.ResponseWriter, r *http.Request, repo *commit) {
	q := r.URL.Query()
	folder := strings.Trim(r.PathValue("path"), "/")
	all := repo.entries(folder, q.Get("recursive") == "true")
	if len(all) == 0 && folder != "" {
		refuse(w, http.StatusNotFound, "EntryNotFound", folder+" does not exist on "+r.PathValue("rev"))
		return
	}
	from, _ := strconv.Atoi(q.Get("cursor")) // no cursor is the first page
	from = min(max(from, 0), len(all))
	to := min(from+h.opts.PageSize, len(all))
	if to < len(all) {
		q.Set("cursor", strconv.Itoa(to))
		w.Header().Set("Link", "<"+h.linkBase(r)+r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
	}
	page := all[from:to]
	if page == nil {
		page = []map[string]any{} // an empty repository is [], not null
	}
	writeJSON(w, http.StatusOK, page)
}

func (h *Hub) linkBase(r *http.Request) string {
	if h.opts.LinkBase != "" {
		return h.opts.LinkBase
	}
	return ownBase(r)
}

func ownBase(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return u.String()
}
