// Package pki creates a cluster's certificate authority and its certificates. A cluster runs for hours, so they are created at every start and
// never renewed.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	lifetime = 365 * 24 * time.Hour
	// skew keeps certificates valid for a client whose clock is behind.
	skew = time.Hour
)

// Pair is a certificate and its private key, both PEM.
type Pair struct{ Cert, Key []byte }

// Authority signs certificates.
type Authority struct {
	Pair
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Subject is the subject of a certificate: a server's if it has hosts, else a client's.
type Subject struct {
	User   string   // common name: the Kubernetes user
	Groups []string // organizations: the Kubernetes groups
	Hosts  []string // DNS names and IP addresses that it may serve
}

// NewAuthority makes a self-signed certificate authority.
func NewAuthority(name string) (*Authority, error) {
	template, err := newTemplate(Subject{User: name})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage |= x509.KeyUsageCertSign
	template.ExtKeyUsage = nil
	pair, key, err := sign(template, template, nil)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority %q: %w", name, err)
	}
	return &Authority{Pair: pair, cert: template, key: key}, nil
}

// Issue makes a certificate for the subject.
func (a *Authority) Issue(s Subject) (Pair, error) {
	template, err := newTemplate(s)
	if err != nil {
		return Pair{}, err
	}
	pair, _, err := sign(template, a.cert, a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("making the certificate of %q: %w", s.User, err)
	}
	return pair, nil
}

// NewKeyPair makes a private key and its public key, both PEM, for signing service-account tokens.
func NewKeyPair() (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	private, err = encodeKey(key)
	return private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// Write stores the pair as NAME.crt and NAME.key.
func (p Pair) Write(dir, name string) error {
	return p.WriteTo(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
}

// WriteTo writes the pair to two files; only this user may read the key's.
func (p Pair) WriteTo(certFile, keyFile string) error {
	if err := os.WriteFile(certFile, p.Cert, 0o644); err != nil {
		return err
	}
	return os.WriteFile(keyFile, p.Key, 0o600)
}

func newTemplate(s Subject) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.User, Organization: s.Groups},
		NotBefore:    now.Add(-skew),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range s.Hosts {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template, nil
}

// sign makes a key for the template and signs it with the parent's key, or with its own when there is none.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (Pair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return Pair{}, nil, err
	}
	encoded, err := encodeKey(key)
	return Pair{Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: encoded}, key, err
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	// SEC 1 rather than PKCS 8: the API server's service-account key loader takes both, older tools only this one.
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
