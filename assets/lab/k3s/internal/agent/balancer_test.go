package agent

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
)

// answering is a server that says its name to whoever comes.
func answering(t *testing.T, name string) (string, func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, name)
			_ = connection.Close()
		}
	}()
	return listener.Addr().String(), func() { _ = listener.Close() }
}

func ask(t *testing.T, address string) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	said, _ := io.ReadAll(connection)
	return string(said)
}

func TestTheBalancerSurvivesTheServerItJoinedThroughAndRemembersTheOthers(t *testing.T) {
	first, stopFirst := answering(t, "first")
	second, stopSecond := answering(t, "second")
	defer stopSecond()
	file := filepath.Join(t.TempDir(), "etc", "balancer.json")
	balancer, err := newBalancer("https://"+first, file)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := balancer.listen(ctx, address); err != nil {
		t.Fatal(err)
	}
	balancer.update([]string{first, second})
	if got := ask(t, address); got != "first" {
		t.Errorf("got %q", got)
	}
	stopFirst()
	if got := ask(t, address); got != "second" {
		t.Errorf("got %q", got)
	}
	again, err := newBalancer("https://"+first, file)
	if err != nil || !slices.Equal(again.list(), []string{first, second}) {
		t.Errorf("remembered %q, %v", again.list(), err)
	}
}
