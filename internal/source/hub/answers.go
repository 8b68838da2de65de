package hub

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// repoInfo is the part of the Hub's information about a repository that is used.
type repoInfo struct {
	SHA      string   `json:"sha"`
	Disabled bool     `json:"disabled"`
	CardData cardData `json:"cardData"`
}

// cardData is the front matter of a repository's card, written by people: a field may hold one value or
// several, and what cannot be used counts as absent. The Hub sends it as JSON: an alias of YAML has been written out, and counts
// among the bytes of the answer, and the reader of JSON bounds how deep it may go.
type cardData struct {
	License oneOrMore
	Configs []cardConfig
	// odd names what the card has instead of a list of configurations; empty if it has a list, or nothing.
	odd string
	// rows are those that the card counts, by configuration and split.
	rows map[[2]string]int64
}

// UnmarshalJSON never fails: a card that makes no sense must not keep anyone from the files.
func (c *cardData) UnmarshalJSON(b []byte) error {
	var card struct {
		License oneOrMore       `json:"license"`
		Configs json.RawMessage `json:"configs"`
		Info    json.RawMessage `json:"dataset_info"`
	}
	*c = cardData{}
	if understood := json.Unmarshal(b, &card) == nil; understood && !absent(card.Configs) && json.Unmarshal(card.Configs, &c.Configs) != nil {
		c.Configs, c.odd = nil, kindOfJSON(card.Configs)
	}
	c.License, c.rows = card.License, countedRows(card.Info)
	return nil
}

// countedRows reads dataset_info, which is that of the one configuration or a list with that of each.
func countedRows(b json.RawMessage) map[[2]string]int64 {
	type info struct {
		Config string `json:"config_name"`
		Splits []struct {
			Name string `json:"name"`
			Rows int64  `json:"num_examples"`
		} `json:"splits"`
	}
	var all []info
	if one := (info{}); json.Unmarshal(b, &all) != nil && json.Unmarshal(b, &one) == nil {
		all = []info{one}
	}
	rows := map[[2]string]int64{}
	for _, config := range all {
		for _, split := range config.Splits {
			rows[[2]string{config.Config, split.Name}] = split.Rows
		}
	}
	return rows
}

// absent reports whether a card has no value for a key.
func absent(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// kindOfJSON returns the kind of a value in the words of a message.
func kindOfJSON(b json.RawMessage) string {
	switch b[0] {
	case '{':
		return "a mapping"
	case '[':
		return "a list"
	case '"':
		return "a text"
	default:
		return "the value " + contract.Clean(string(b), 40)
	}
}

// UnmarshalJSON never fails: an entry that is not understood hides no other.
func (c *cardConfig) UnmarshalJSON(b []byte) error {
	*c = cardConfig{}
	var entry struct {
		Name    json.RawMessage `json:"config_name"`
		Default json.RawMessage `json:"default"`
		DataDir json.RawMessage `json:"data_dir"`
		Data    json.RawMessage `json:"data_files"`
	}
	if json.Unmarshal(b, &entry) != nil {
		if name, ok := scalar(b); ok { // older cards list the names alone
			c.name = name
		} else {
			c.odd = kindOfJSON(b) + " in the place of a configuration"
		}
		return nil
	}
	c.isDefault = string(entry.Default) == "true"
	var ok bool
	if c.name, ok = scalar(entry.Name); !ok {
		c.odd = "no config_name"
	}
	if folder, ok := scalar(entry.DataDir); ok {
		if c.folder = path.Clean(folder); c.folder == "." {
			c.folder = ""
		}
	} else if !absent(entry.DataDir) {
		c.odd = kindOfJSON(entry.DataDir) + " as data_dir"
	}
	if !absent(entry.Data) {
		if c.splits, ok = splitsOf(entry.Data); !ok {
			c.odd = "data_files that are neither patterns nor a list of splits with the path of each"
		}
	}
	return nil
}

// splitsOf reads data_files: one pattern or several, which are the split train; a list of splits with their patterns; or the
// patterns of each split by its name.
func splitsOf(b json.RawMessage) ([]cardSplit, bool) {
	if patterns, ok := patternsOf(b); ok {
		return []cardSplit{{name: defaultSplit, patterns: patterns}}, true
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(b, &list) == nil {
		return splitsOfList(list)
	}
	var one map[string]json.RawMessage
	if json.Unmarshal(b, &one) != nil {
		return nil, false
	}
	if _, named := one["split"]; named {
		return splitsOfList([]map[string]json.RawMessage{one})
	}
	var splits []cardSplit
	for _, name := range slices.Sorted(maps.Keys(one)) {
		patterns, ok := patternsOf(one[name])
		if !ok {
			return nil, false
		}
		splits = append(splits, cardSplit{name, patterns})
	}
	return splits, len(splits) > 0
}

func splitsOfList(list []map[string]json.RawMessage) ([]cardSplit, bool) {
	var splits []cardSplit
	for _, entry := range list {
		name, named := scalar(entry["split"])
		patterns, ok := patternsOf(entry["path"])
		if !named || !ok {
			return nil, false
		}
		splits = append(splits, cardSplit{name, patterns})
	}
	return splits, len(splits) > 0
}

// patternsOf returns one pattern or a list of them.
func patternsOf(b json.RawMessage) ([]string, bool) {
	if one, ok := scalar(b); ok {
		return []string{one}, true
	}
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil || len(list) == 0 {
		return nil, false
	}
	var patterns []string
	for _, item := range list {
		pattern, ok := scalar(item)
		if !ok {
			return nil, false
		}
		patterns = append(patterns, pattern)
	}
	return patterns, true
}

// scalar returns a text, or the text of a number or a truth value, because YAML reads a name like 2023 or true as one.
func scalar(b json.RawMessage) (string, bool) {
	var text string
	if len(b) == 0 {
		return "", false
	}
	switch b[0] {
	case '{', '[', 'n':
		return "", false
	case '"':
		return text, json.Unmarshal(b, &text) == nil && text != ""
	default:
		return string(b), true
	}
}

// oneOrMore is a string or a list of strings; anything else counts as none.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	*o = nil
	var list []json.RawMessage
	if one, ok := scalar(b); ok {
		*o = oneOrMore{one}
	} else if json.Unmarshal(b, &list) == nil {
		for _, item := range list {
			if text, ok := scalar(item); ok {
				*o = append(*o, text)
			}
		}
	}
	return nil // a card may hold anything; what cannot be used is left out
}

// treeEntry is one entry of the file tree.
type treeEntry struct {
	Type string `json:"type"`
	Path string `json:"path"`
	OID  string `json:"oid"`
	Size int64  `json:"size"`
	LFS  *struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// file returns the entry as a file of a commit; ok is false for a folder. In large-file storage the oid is of a pointer, and
// the content's digest is next to it.
func (e treeEntry) file(sha string) (f source.File, ok bool, err error) {
	if e.Type != "file" {
		return source.File{}, false, nil
	}
	if !filepath.IsLocal(e.Path) || len(e.Path) > source.MaxPath {
		return source.File{}, false, contract.Failf(contract.InvalidData, "%q is not a path inside the repository.", contract.Clean(e.Path, 200))
	}
	f = source.File{Path: e.Path, Size: e.Size, GitBlob: e.OID, Revision: sha}
	if e.LFS != nil {
		f.Size, f.SHA256, f.GitBlob = e.LFS.Size, strings.TrimPrefix(e.LFS.OID, "sha256:"), ""
	}
	return f, true, nil
}

// disabled returns the failure of a repository that the Hub no longer serves.
func (h *hub) disabled() error {
	return contract.Failf(contract.SourceDisabled,
		"%s has been disabled on %s, usually after a takedown. Use another source.", source.Capital(h.where()), h.endpoint.Host)
}

// named returns the failure that a code or message of the Hub names; nil where it names none.
func (h *hub) named(a *transport.Answer, what string) error {
	host := h.endpoint.Host
	message := a.Header.Get("X-Error-Message")
	switch code := a.Header.Get("X-Error-Code"); {
	case a.StatusCode < 400:
		return nil
	case strings.Contains(message, "Access to this resource is disabled"):
		return h.disabled()
	case a.StatusCode == http.StatusUnauthorized && strings.HasPrefix(message, "Invalid credentials"):
		return contract.Failf(contract.AuthenticationFailed,
			"%s does not accept the token that was given for %s. Make a new token and put it into the Secret that tokenSecretRef names.",
			host, h.where())
	case code == "GatedRepo":
		return h.gated()
	case code == "RepoNotFound":
		return h.missing()
	case code == "RevisionNotFound":
		return contract.Failf(contract.RevisionNotFound,
			"%s has no revision %q on %s. Check revision: a commit has 40 hexadecimal digits, a branch may have been deleted.",
			source.Capital(h.where()), h.spec.Revision, host)
	case code == "EntryNotFound":
		return contract.Failf(contract.FileNotFound, "There is no %s on %s. Check files, and list again what the revision has.", what, host)
	default:
		return nil
	}
}

// gated returns the failure of a repository whose owner wants to know who reads it.
func (h *hub) gated() error {
	page := transport.Shown(h.endpoint.JoinPath("datasets", h.spec.Repo))
	if h.token == "" {
		return contract.Failf(contract.SourceGated,
			"%s is gated: accept its terms at %s, then name a Secret with a token of that account in tokenSecretRef.",
			source.Capital(h.where()), page)
	}
	return contract.Failf(contract.SourceGated,
		"%s is gated, and the account of the given token has no access to it: ask for access at %s.", source.Capital(h.where()), page)
}

// missing returns the failure of a repository that is not there, or not for us: the Hub does not say which.
func (h *hub) missing() error {
	if h.token == "" {
		return contract.Failf(contract.SourceNotFound,
			"There is no data set %s on %s, or it is private. Check the name; for a private one name a Secret with a token in tokenSecretRef.",
			h.where(), h.endpoint.Host)
	}
	return contract.Failf(contract.SourceNotFound,
		"There is no data set %s on %s, or the given token may not read it. Check the name, and what the token may read.",
		h.where(), h.endpoint.Host)
}
