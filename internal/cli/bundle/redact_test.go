package bundle

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planted is what must never be in a bundle.
const planted = "Planted0123456789abcdef"

// TestRedact: wherever a credential is written, it goes; what helps stays.
func TestRedact(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"GET https://files.example.org/a/b.jsonl?X-Amz-Signature=" + planted + "&x=1: 403", "GET https://files.example.org/a/b.jsonl: 403"},
		{"https://user:" + planted + "@files.example.org/a#" + planted, "https://files.example.org/a"},
		{`url: "s3://bucket/p?token=` + planted + `"`, `url: "s3://bucket/p"`},
		{"http://proxy:" + planted + "%zz@p:3128/x?y", "http://p:3128/x"},
		{"the token hf_" + planted + " is refused", "the token [removed] is refused"},
		{`"Authorization":"Bearer ` + planted + `"`, `"Authorization":"[removed] [removed]"`},
		{"Authorization: Basic " + planted + "==", "Authorization: [removed] [removed]"},
		{"AKIA" + strings.ToUpper(planted), "[removed]"},
		{"aws_secret_access_key = " + planted, "aws_secret_access_key = [removed]"},
		{`{\"password\":\"` + planted + `\"}`, `{\"password\":\"[removed]\"}`},
		{"AccountKey=" + planted + ";x", "AccountKey=[removed];x"},
		{"token: " + planted, "token: [removed]"},
		{"eyJhbGciOiJSUzI1NiJ9." + planted + "." + planted, "[removed]"},
		{"-----BEGIN RSA PRIVATE KEY-----\n" + planted + "\n-----END RSA PRIVATE KEY-----\nafter", "[removed]\nafter"},
		{"-----BEGIN PRIVATE KEY-----\n" + planted, "[removed]"},
		{"tokenSecretRef: {name: hub, key: token}", "tokenSecretRef: {name: hub, key: token}"},
		{"gsm8k has 7473 rows; unit: Tokens", "gsm8k has 7473 rows; unit: Tokens"},
		{"revision 740312add88f781978c0658806c59bc2815b9866", "revision 740312add88f781978c0658806c59bc2815b9866"},
	} {
		got := redact(test.text)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
		if strings.Contains(strings.ToLower(got), strings.ToLower(planted)) {
			t.Errorf("%q is still in %q", planted, got)
		}
	}
}

// TestWrite: a part that is not whole says why, redacted as well, in the list and in the archive.
func TestWrite(t *testing.T) {
	parts := []Part{part("a.txt", func(out io.Writer) error {
		_, _ = io.WriteString(out, "token: "+planted+"\n")
		return errors.New("not permitted: https://x/?" + planted)
	}), part("b.txt", func(out io.Writer) error { _, err := io.WriteString(out, "b\n"); return err })}
	var list, archive bytes.Buffer
	List(&list, parts)
	if err := Write(&archive, parts); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(list.String(), "a.txt") || !strings.Contains(list.String(), "not permitted: https://x/") || strings.Contains(list.String(), planted) {
		t.Error(list.String())
	}
	opened, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range opened.File {
		reader, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		got[file.Name] = string(content)
	}
	if diff := cmp.Diff(map[string]string{"a.txt": "token: [removed]\n\nnot permitted: https://x/\n", "b.txt": "b\n"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
