package source

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
)

// ReadLogin reads a folder with a file for each key of a Secret: token, or username and password. A folder that is not there
// is no login. Its errors are contract.AuthenticationFailed.
func ReadLogin(folder string) (Login, error) {
	var l Login
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	for _, key := range []struct {
		name string
		to   *string
	}{{"token", &l.Token}, {"username", &l.Username}, {"password", &l.Password}} {
		content, err := os.ReadFile(filepath.Join(folder, key.name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Login{}, contract.Failf(contract.AuthenticationFailed, "The key %s of the credentials cannot be read: %w.", key.name, err)
		}
		*key.to = string(content)
	}
	if l.trimmed().isZero() {
		return Login{}, contract.Failf(contract.AuthenticationFailed,
			"The Secret that secretRef names has neither the key token nor the keys username and password, or they are empty.")
	}
	return l, nil
}

// trimmed leaves the line's end out that files with credentials often have.
func (l Login) trimmed() Login {
	return Login{
		Token:    strings.TrimSpace(l.Token),
		Username: strings.TrimRight(l.Username, "\r\n"),
		Password: strings.TrimRight(l.Password, "\r\n"),
	}
}

func (l Login) isZero() bool { return l == Login{} }

// header is the value of Authorization; empty is none.
func (l Login) header() string {
	switch {
	case l.Token != "":
		return bearer(l.Token)
	case l.Username != "" || l.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.Username+":"+l.Password))
	default:
		return ""
	}
}

// bearer is the value of Authorization for a token; empty is none.
func bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

// odd says that a token holds what no token does, and what may not stand in a header.
func odd(token string) bool {
	return strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// check finds what cannot be sent, and addresses that must not be sent to. They are one host, since whoever made the
// credentials made them for one, and https, since on any other way they could be read.
func (l Login) check(addresses []*url.URL) error {
	switch {
	case l.isZero():
		return nil
	case l.Token != "" && (l.Username != "" || l.Password != ""):
		return contract.Failf(contract.InvalidTask,
			"The credentials hold both a token and a username or password. Leave one of them out of the Secret that secretRef names.")
	case odd(l.Token):
		return contract.Failf(contract.InvalidTask,
			"The token of the credentials holds spaces or other characters that no token has. Check the Secret that secretRef names.")
	case strings.Contains(l.Username, ":"):
		return contract.Failf(contract.InvalidTask,
			"The username of the credentials holds a colon, which HTTP cannot tell from the password's beginning. Check the Secret that secretRef names.")
	}
	for _, u := range addresses {
		if u.Scheme != https {
			return contract.Failf(contract.InvalidTask,
				"%s is not https, and credentials are sent over nothing else: anyone on the way could read them. "+
					"Serve the file over https, with a caBundleRef for a certificate of your own, or leave secretRef out.", shown(u))
		}
		if !sameHost(u, addresses[0]) {
			return contract.Failf(contract.InvalidTask,
				"%s is on another host than %s, and credentials are for one host. Make a data set of each host.", shown(u), shown(addresses[0]))
		}
	}
	return nil
}
