package bundle

import (
	"net/url"
	"regexp"
	"strings"
)

// removed replaces credentials.
const removed = "[removed]"

// addresses matches URLs of any scheme. Their user, query and fragment are removed: signed URLs have their signature in the query.
var addresses = regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\\\x60,;)}\]]+`)

// credentials matches texts that give access: private keys, tokens of Hubs, clouds, forges and the API server, and names of credentials with their
// values; there, only the value is removed.
var credentials = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\z)`), removed},
	{regexp.MustCompile(`\bhf_[A-Za-z0-9]{8,}`), removed},
	{regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{12,}`), removed},
	{regexp.MustCompile(`\b(gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-)[A-Za-z0-9_-]{16,}`), removed},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`), removed},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}`), "$1 " + removed},
	{regexp.MustCompile(`(?i)(\b[a-z0-9_.-]*(?:password|passwd|access[_-]?key|api[_-]?key|secret[_-]?key|account[_-]?key|signature|auth[_-]?token|access[_-]?token|session[_-]?token|credential)s?\\?["']?\s*[:=]\s*)(\\?["']?)[^\s"'\\,;}\]]+`), "$1$2" + removed},
	{regexp.MustCompile(`(?i)(\btoken\\?["']?\s*[:=]\s*)(\\?["']?)[^\s"'\\,;}\]]{6,}`), "$1$2" + removed},
	{regexp.MustCompile(`(?i)(\bauthorization\\?["']?\s*[:=]\s*)(\\?["']?)[^\s"'\\,;}\]]+`), "$1$2" + removed},
}

// redact returns a text without credentials, and without the users and queries of its URLs.
func redact(text string) string {
	text = addresses.ReplaceAllStringFunc(text, plainAddress)
	for _, c := range credentials {
		text = c.pattern.ReplaceAllString(text, c.with)
	}
	return text
}

func plainAddress(found string) string {
	address := strings.TrimRight(found, ":.!")
	sentence := found[len(address):]
	parsed, err := url.Parse(address)
	if err != nil { // such as a URL that was cut, or that has a user with unescaped characters
		plain, _, _ := strings.Cut(address, "?")
		scheme, rest, _ := strings.Cut(plain, "://")
		return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:] + sentence
	}
	parsed.User, parsed.RawQuery, parsed.ForceQuery, parsed.Fragment, parsed.RawFragment = nil, "", false, "", ""
	return parsed.String() + sentence
}
