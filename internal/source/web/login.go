package web

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/datasetmix/datasetmix/internal/contract"
	"github.com/datasetmix/datasetmix/internal/source/transport"
)

// Login is a token, or a name with a password; the zero value is neither.
type Login struct {
	// Token is sent as a bearer token.
	Token string
	// Username and Password are sent as basic credentials.
	Username, Password string
}

// ReadLogin reads a folder with a file for each key of a Secret: token, or username and password. Without the folder
// there is no login. Its errors are contract.AuthenticationFailed.
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

// trimmed returns the login without the line ends that files with credentials often have.
func (l Login) trimmed() Login {
	return Login{
		Token:    strings.TrimSpace(l.Token),
		Username: strings.TrimRight(l.Username, "\r\n"),
		Password: strings.TrimRight(l.Password, "\r\n"),
	}
}

func (l Login) isZero() bool { return l == Login{} }

// header returns the value of Authorization; empty without a login.
func (l Login) header() string {
	switch {
	case l.Token != "":
		return transport.Bearer(l.Token)
	case l.Username != "" || l.Password != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(l.Username+":"+l.Password))
	default:
		return ""
	}
}

// check refuses what cannot be sent, and addresses to which it must not be sent. All addresses are of one host, because credentials are
// made for one, and https, because anything else lets others read them.
func (l Login) check(addresses []*url.URL) error {
	switch {
	case l.isZero():
		return nil
	case l.Token != "" && (l.Username != "" || l.Password != ""):
		return contract.Failf(contract.InvalidTask,
			"The credentials hold both a token and a username or password. Leave one of them out of the Secret that secretRef names.")
	case transport.Malformed(l.Token):
		return contract.Failf(contract.InvalidTask,
			"The token of the credentials holds spaces or other characters that no token has. Check the Secret that secretRef names.")
	case strings.Contains(l.Username, ":"):
		return contract.Failf(contract.InvalidTask,
			"The username of the credentials holds a colon, which HTTP cannot tell from the password's beginning. Check the Secret that secretRef names.")
	}
	for _, u := range addresses {
		if u.Scheme != "https" {
			return contract.Failf(contract.InvalidTask,
				"%s is not https, and credentials are sent over nothing else: anyone on the way could read them. "+
					"Serve the file over https, with a caBundleRef for a certificate of your own, or leave secretRef out.", transport.Shown(u))
		}
		if !transport.SameHost(u, addresses[0]) {
			return contract.Failf(contract.InvalidTask,
				"%s is on another host than %s, and credentials are for one host. Make a data set of each host.", transport.Shown(u), transport.Shown(addresses[0]))
		}
	}
	return nil
}
