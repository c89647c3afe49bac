package token

import (
	"strings"
	"testing"
)

func TestShortAndFullFormsHaveTheSamePassword(t *testing.T) {
	ca := []byte("ca")
	for _, text := range []string{"secret", "K10::server:secret", Format("server", "secret", ca)} {
		if got, err := Password(text); err != nil || got != "secret" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

func TestTheHashIsThatOfTheFile(t *testing.T) {
	parsed, err := Parse(Format("node", "secret", []byte("ca")))
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.CheckCA([]byte("ca")); err != nil {
		t.Error(err)
	}
	err = parsed.CheckCA([]byte("other"))
	if err == nil || !strings.HasPrefix(err.Error(), "token CA hash does not match the Cluster CA certificate hash: ") {
		t.Errorf("got %v", err)
	}
}

func TestTheFullFormOfABootstrapTokenIsParsed(t *testing.T) {
	text := RandomBootstrap()
	parsed, err := Parse(FormatBootstrap(text, []byte("ca")))
	if err != nil || parsed.Password != text || parsed.CheckCA([]byte("ca")) != nil {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	for _, text := range []string{"", "K10abc::server:secret", "K10::nobody"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	if _, err := Password("K10::nobody"); err == nil || !strings.HasPrefix(err.Error(), "failed to normalize server token") {
		t.Errorf("got %v", err)
	}
}
