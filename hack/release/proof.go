package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/datasetmix/datasetmix/hack/linked"
)

// spdx is a document of SPDX 2.3, as far as it is used.
type spdx struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string     `json:"SPDXID"`
	Name      string     `json:"name"`
	Version   string     `json:"versionInfo,omitempty"`
	Location  string     `json:"downloadLocation"`
	License   string     `json:"licenseConcluded"`
	Declared  string     `json:"licenseDeclared"`
	Copyright string     `json:"copyrightText"`
	Analyzed  bool       `json:"filesAnalyzed"`
	Checksums []checksum `json:"checksums,omitempty"`
	Refs      []ref      `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type ref struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// unsaid is the SPDX value for information that the document does not give.
const unsaid = "NOASSERTION"

// makeSBOM writes the list of a program's modules, as go version -m shows them.
func (r release) makeSBOM(program, name string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return err
	}
	digest := sum(content)
	document := spdx{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name + "-" + r.version,
		Namespace: "https://github.com/datasetmix/datasetmix/spdx/" + name + "-" + digest,
		Creation:  creation{Created: "1970-01-01T00:00:00Z", Creators: []string{"Tool: datasetmix-release"}},
		Packages: []spdxPackage{{ID: "SPDXRef-program", Name: info.Main.Path, Version: r.version, Location: unsaid, License: "Apache-2.0", Declared: "Apache-2.0",
			Copyright: unsaid, Checksums: []checksum{{"SHA256", digest}}}},
		Relationships: []relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-program"}},
	}
	depend := func(id, name, version, locator string) {
		document.Packages = append(document.Packages, spdxPackage{ID: id, Name: name, Version: version, Location: unsaid, License: unsaid,
			Declared: unsaid, Copyright: unsaid, Refs: []ref{{"PACKAGE-MANAGER", "purl", locator}}})
		document.Relationships = append(document.Relationships, relationship{"SPDXRef-program", "DEPENDS_ON", id})
	}
	depend("SPDXRef-go", "go", info.GoVersion, "pkg:generic/go@"+strings.TrimPrefix(info.GoVersion, "go"))
	for i, module := range info.Deps {
		for module.Replace != nil {
			module = module.Replace
		}
		depend(fmt.Sprintf("SPDXRef-module-%d", i), module.Path, module.Version, "pkg:golang/"+module.Path+"@"+module.Version)
	}
	encoded, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return err
	}
	return r.write(name+".spdx.json", append(encoded, '\n'))
}

// signed returns the signature of a text in base64, as cosign verify-blob --key reads it. The same key and text have the same signature.
func signed(key, text []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.New("the key is not in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is %T, and not one of ECDSA", parsed)
	}
	digest := sha256.Sum256(text)
	signature, err := private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return []byte(base64.StdEncoding.EncodeToString(signature) + "\n"), nil
}

// licenseFile matches the files of a module that its license asks to be passed on.
var licenseFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice)`)

// thirdParty returns the licenses of every module that the programs link, as their authors wrote them.
func thirdParty(ctx context.Context) ([]byte, error) {
	modules, err := linked.Modules(ctx, ".")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, module := range modules {
		files, err := os.ReadDir(module.Dir)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if file.IsDir() || !licenseFile.MatchString(file.Name()) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(module.Dir, file.Name()))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&text, "==== %s %s, %s\n\n%s\n\n", module.Path, module.Version, file.Name(), bytes.TrimSpace(content))
		}
	}
	return text.Bytes(), nil
}
