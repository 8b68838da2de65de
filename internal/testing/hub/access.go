package hub

import (
	"net/http"
	"slices"
	"strings"
)

// repoHandler answers a request about a repository at the revision that was asked for.
type repoHandler func(w http.ResponseWriter, r *http.Request, repo *commit)

// refuse answers with an error in the Hub's form: the code and the message are in headers, and again in the body.
func refuse(w http.ResponseWriter, status int, code, message string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", message)
	w.Header().Set("X-Request-Id", "Root=1-stand-in")
	writeJSON(w, status, map[string]string{"error": message})
}

// grant is what the Authorization header of a request is worth.
type grant struct {
	sent, known bool
	ids         []string
}

func (g grant) reads(id string) bool {
	return slices.Contains(g.ids, id) || slices.Contains(g.ids, "*")
}

func (h *Hub) grantOf(r *http.Request) grant {
	header := r.Header.Get("Authorization")
	token, _ := strings.CutPrefix(header, "Bearer ")
	ids, known := h.opts.Tokens[token]
	return grant{sent: header != "", known: known, ids: ids}
}

// withRepo finds the repository and revision in a request's path, and refuses what the Hub refuses. A private
// repository is answered like a missing one, so that its name is not given away.
func (h *Hub) withRepo(next repoHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("ns") + "/" + r.PathValue("name")
		g := h.grantOf(r)
		if g.sent && !g.known {
			refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
			return
		}
		if to := h.movedTo(id); to != "" {
			// The Hub redirects a renamed repository on the same host, so a client may keep its token.
			http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), id, to, 1), http.StatusTemporaryRedirect)
			return
		}
		repo, exists, hasRevision := h.find(id, r.PathValue("rev"))
		switch {
		case exists && repo.Disabled:
			refuse(w, http.StatusForbidden, "", "Access to this resource is disabled.")
		case !exists || repo.Private && !g.reads(id):
			if g.sent {
				refuse(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
			} else {
				refuse(w, http.StatusUnauthorized, "RepoNotFound", "Invalid username or password.")
			}
		case !hasRevision:
			refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+r.PathValue("rev"))
		default:
			next(w, r, repo)
		}
	}
}

func (h *Hub) movedTo(id string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.moved[id]
}

// needGrant refuses the files of a gated repository; its information is served to everyone.
func (h *Hub) needGrant(next repoHandler) repoHandler {
	return func(w http.ResponseWriter, r *http.Request, repo *commit) {
		g := h.grantOf(r)
		switch {
		case repo.Gated == "" || g.reads(repo.ID):
			next(w, r, repo)
		case !g.sent:
			refuse(w, http.StatusUnauthorized, "GatedRepo", "Access to dataset "+repo.ID+
				" is restricted. You must have access to it and be authenticated to access it. Please log in.")
		default:
			refuse(w, http.StatusForbidden, "GatedRepo", "Access to dataset "+repo.ID+
				" is restricted and you are not in the authorized list.")
		}
	}
}
