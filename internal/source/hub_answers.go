package source

import (
	"encoding/json"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// repoInfo is what is read of the Hub's information about a repository.
type repoInfo struct {
	SHA      string   `json:"sha"`
	Disabled bool     `json:"disabled"`
	CardData cardData `json:"cardData"`
}

// cardData is the front matter of a repository's card, written by people: where something may be one or several, it is
// either, and what cannot be used counts as absent.
type cardData struct {
	License oneOrMore
	Configs []cardEntry
}

// UnmarshalJSON never fails: a card that makes no sense must not keep anyone from the files.
func (c *cardData) UnmarshalJSON(b []byte) error {
	var card struct {
		License oneOrMore       `json:"license"`
		Configs json.RawMessage `json:"configs"`
	}
	*c = cardData{}
	if json.Unmarshal(b, &card) == nil {
		c.License = card.License
	}
	if json.Unmarshal(card.Configs, &c.Configs) != nil {
		c.Configs = nil
	}
	return nil
}

type cardEntry struct {
	Name    string    `json:"config_name"`
	Default bool      `json:"default"`
	DataDir string    `json:"data_dir"`
	Data    dataFiles `json:"data_files"`
}

// configs are the card's configurations with their patterns below the repository's root.
func (c cardData) configs() []cardConfig {
	var out []cardConfig
	for _, e := range c.Configs {
		config := cardConfig{name: e.Name, isDefault: e.Default}
		for _, split := range e.Data {
			s := cardSplit{name: split.Split}
			for _, p := range split.Path {
				s.patterns = append(s.patterns, path.Join(e.DataDir, strings.TrimPrefix(p, "./")))
			}
			config.splits = append(config.splits, s)
		}
		if len(e.Data) == 0 && e.DataDir != "" {
			config.splits = []cardSplit{{patterns: []string{path.Join(e.DataDir, "**")}}}
		}
		out = append(out, config)
	}
	return out
}

// oneOrMore is a string or a list of strings; anything else counts as none.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	var more []string
	_ = json.Unmarshal(b, &more) // a card may hold anything; what cannot be used is left out
	*o = more
	return nil
}

// dataFiles is a card's data_files: patterns, or a list of splits with their patterns.
type dataFiles []splitFiles

type splitFiles struct {
	Split string    `json:"split"`
	Path  oneOrMore `json:"path"`
}

func (d *dataFiles) UnmarshalJSON(b []byte) error {
	var splits []splitFiles
	if json.Unmarshal(b, &splits) == nil {
		*d = splits
		return nil
	}
	var patterns oneOrMore
	_ = patterns.UnmarshalJSON(b) // never fails
	if len(patterns) > 0 {
		*d = dataFiles{{Path: patterns}}
	}
	return nil
}

// maxPath is the longest path of a file, as of Linux.
const maxPath = 4096

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

// file is the entry as a file of a commit; ok is false for a folder. In large-file storage the oid is of a pointer, and
// the content's digest stands beside it.
func (e treeEntry) file(sha string) (f File, ok bool, err error) {
	if e.Type != "file" {
		return File{}, false, nil
	}
	if !filepath.IsLocal(e.Path) || len(e.Path) > maxPath {
		return File{}, false, contract.Failf(contract.InvalidData, "%q is not a path inside the repository.", clean(e.Path, 200))
	}
	f = File{Path: e.Path, Size: e.Size, GitBlob: e.OID, Revision: sha}
	if e.LFS != nil {
		f.Size, f.SHA256, f.GitBlob = e.LFS.Size, strings.TrimPrefix(e.LFS.OID, "sha256:"), ""
	}
	return f, true, nil
}

// disabled is the failure of a repository that the Hub no longer serves.
func (h *hub) disabled() error {
	return contract.Failf(contract.SourceDisabled,
		"%s has been disabled on %s, usually after a takedown. Use another source.", capital(h.where()), h.endpoint.Host)
}

// named is the failure that the Hub names with a code or message of its own; nil where it names none.
func (h *hub) named(a *answer, what string) error {
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
			capital(h.where()), h.spec.Revision, host)
	case code == "EntryNotFound":
		return contract.Failf(contract.FileNotFound, "There is no %s on %s. Check files, and list again what the revision has.", what, host)
	default:
		return nil
	}
}

// gated is the failure of a repository whose owner wants to know who reads it.
func (h *hub) gated() error {
	page := shown(h.endpoint.JoinPath("datasets", h.spec.Repo))
	if h.token == "" {
		return contract.Failf(contract.SourceGated,
			"%s is gated: accept its terms at %s, then name a Secret with a token of that account in tokenSecretRef.",
			capital(h.where()), page)
	}
	return contract.Failf(contract.SourceGated,
		"%s is gated, and the account of the given token has no access to it: ask for access at %s.", capital(h.where()), page)
}

// missing is the failure of a repository that is not there, or not for us: the Hub does not tell which.
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
