package bootstrap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOnlyTheRightPasswordOpens(t *testing.T) {
	sealed, err := seal("right", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := open("right", sealed); err != nil || string(plain) != "plain" {
		t.Errorf("got %q, %v", plain, err)
	}
	for _, password := range []string{"wrong", ""} {
		if _, err := open(password, sealed); err == nil {
			t.Errorf("%q opened it", password)
		}
	}
	for _, broken := range []string{"", "nocolon", "salt:####", "salt:AAAA"} {
		if _, err := open("right", []byte(broken)); err == nil {
			t.Errorf("%q was opened", broken)
		}
	}
}

func TestTheKeyIsTheHashOfThePassword(t *testing.T) {
	if got := Key(""); got != "/bootstrap/e3b0c44298fc" {
		t.Errorf("got %s", got)
	}
}

func TestFilesComeBackAndANewerOneOnDiskStops(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	path := filepath.Join(first, Files["ServerCA"])
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("ca"), 0o600); err != nil {
		t.Fatal(err)
	}
	packed, err := pack(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(second, packed); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(second, Files["ServerCA"])
	if got, err := os.ReadFile(copied); err != nil || string(got) != "ca" {
		t.Fatalf("got %q, %v", got, err)
	}
	if err := os.WriteFile(copied, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(copied, time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := unpack(second, packed); err == nil || !strings.Contains(err.Error(), "newer than datastore and could cause a cluster outage") {
		t.Errorf("got %v", err)
	}
	if err := os.Chtimes(copied, time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := unpack(second, packed); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(copied); string(got) != "ca" {
		t.Errorf("got %q", got)
	}
}
