package agent

import (
	"context"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"
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

func TestAServerThatAcceptsAndNeverAnswersIsLeftAndItsConnectionsAreCut(t *testing.T) {
	frozen, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = frozen.Close() }()
	second, stop := answering(t, "second")
	defer stop()
	balancer, err := newBalancer("https://"+frozen.Addr().String(), filepath.Join(t.TempDir(), "balancer.json"))
	if err != nil {
		t.Fatal(err)
	}
	balancer.update([]string{frozen.Addr().String(), second})
	client, inner := net.Pipe()
	go balancer.serve(inner)
	for len(balancer.connected()) == 0 {
		time.Sleep(time.Millisecond)
	}
	balancer.ping = func(name string) bool { return name == second }
	balancer.check()
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection to the frozen server is still open")
	}
	if got := balancer.list()[0]; got != second {
		t.Errorf("asked first: %s", got)
	}
}

func (b *balancer) connected() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return slices.Collect(maps.Values(b.open))
}
