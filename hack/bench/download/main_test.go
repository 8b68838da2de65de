package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The program starts itself for its server and its fetches, and in a test that is the test's binary.
func TestMain(m *testing.M) {
	for _, argument := range os.Args {
		if argument == "-role" {
			main()
			return
		}
	}
	os.Exit(m.Run())
}

func TestFileIsNowhereTheSame(t *testing.T) {
	var b bytes.Buffer
	if err := writeFile(&b, 3<<20); err != nil || b.Len() != 3<<20 {
		t.Fatalf("%d bytes, %v", b.Len(), err)
	}
	seen := map[string]int{}
	for at := 0; at < b.Len(); at += 64 {
		piece := string(b.Bytes()[at : at+64])
		if before, ok := seen[piece]; ok {
			t.Fatalf("the bytes at %d stand at %d, too", at, before)
		}
		seen[piece] = at
	}
	var shorter bytes.Buffer
	if err := writeFile(&shorter, 1000); err != nil || !bytes.Equal(shorter.Bytes(), b.Bytes()[:1000]) {
		t.Error("a shorter file is not the longer one's beginning")
	}
}

func TestBothFetchTheFile(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl to compare with")
	}
	for _, tls := range []bool{false, true} {
		var out bytes.Buffer
		if err := compare(t.Context(), &out, 5<<20, 3, tls); err != nil {
			t.Fatalf("tls %v: %v", tls, err)
		}
		for _, want := range []string{"3 rounds of 0.00524 GB", "median: worker ", "peak memory: worker "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("tls %v: the report lacks %q:\n%s", tls, want, out.String())
			}
		}
	}
}

func TestDigestOfTheFile(t *testing.T) {
	var b bytes.Buffer
	if err := writeFile(&b, 1<<20+7); err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(b.Bytes()); !bytes.Equal(sumOf(1<<20+7), want[:]) {
		t.Error("the digest is of other bytes")
	}
}
