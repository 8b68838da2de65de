package transport

import "strings"

// Bearer returns the value of Authorization for a token; empty is none.
func Bearer(token string) string {
	if token == "" {
		return ""
	}
	return "Bearer " + token
}

// Malformed reports whether a token holds characters that no token has, and that a header may not have.
func Malformed(token string) bool {
	return strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
