package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
)

func TestIssuedCertificatesVerify(t *testing.T) {
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority.Cert) {
		t.Fatal("the authority's certificate cannot be read")
	}
	for name, test := range map[string]struct {
		subject Subject
		host    string
		usage   x509.ExtKeyUsage
		valid   bool
	}{
		"a client":              {Subject{User: "u"}, "", x509.ExtKeyUsageClientAuth, true},
		"a client as server":    {Subject{User: "u"}, "", x509.ExtKeyUsageServerAuth, false},
		"a server by name":      {Subject{User: "s", Hosts: []string{"a.b"}}, "a.b", x509.ExtKeyUsageServerAuth, true},
		"a server by address":   {Subject{User: "s", Hosts: []string{"10.0.0.1"}}, "10.0.0.1", x509.ExtKeyUsageServerAuth, true},
		"a server of elsewhere": {Subject{User: "s", Hosts: []string{"a.b"}}, "a.c", x509.ExtKeyUsageServerAuth, false},
		"a server as client":    {Subject{User: "s", Hosts: []string{"a.b"}}, "", x509.ExtKeyUsageClientAuth, false},
	} {
		t.Run(name, func(t *testing.T) {
			pair, err := authority.Issue(test.subject)
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := tls.X509KeyPair(pair.Cert, pair.Key)
			if err != nil {
				t.Fatalf("certificate and key do not belong together: %v", err)
			}
			_, err = loaded.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: test.host, KeyUsages: []x509.ExtKeyUsage{test.usage}})
			if (err == nil) != test.valid {
				t.Errorf("verify: %v, want valid %t", err, test.valid)
			}
		})
	}
}

func TestSubjectBecomesUserAndGroups(t *testing.T) {
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(Subject{User: "system:node:n", Groups: []string{"system:nodes"}})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Subject.CommonName != "system:node:n" || len(cert.Subject.Organization) != 1 || cert.Subject.Organization[0] != "system:nodes" {
		t.Errorf("the subject is %s", cert.Subject)
	}
}

func TestWriteKeepsKeysPrivate(t *testing.T) {
	dir := t.TempDir()
	if err := (Pair{Cert: []byte("c"), Key: []byte("k")}).Write(dir, "x"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "x.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v (%v)", info.Mode(), err)
	}
}

func TestNewKeyPair(t *testing.T) {
	private, public, err := NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	k, _ := pem.Decode(private)
	key, err := x509.ParseECPrivateKey(k.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := pem.Decode(public)
	parsed, err := x509.ParsePKIXPublicKey(p.Bytes)
	if err != nil || !key.PublicKey.Equal(parsed) {
		t.Errorf("the public key is not the private key's (%v)", err)
	}
}
