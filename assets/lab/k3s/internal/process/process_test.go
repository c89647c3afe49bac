package process

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTheUsersFlagsTakeThePlaceOfOursOrAdd(t *testing.T) {
	args := Args{"bind-address": "127.0.0.1", "v": "0"}.With([]string{"v=2", "--feature-gates=A=true", "bind-address+=::1"})
	want := []string{"--bind-address=127.0.0.1,::1", "--feature-gates=A=true", "--v=2"}
	if got := args.List(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestAChildThatEndsIsTold(t *testing.T) {
	group := NewGroup()
	if err := group.Start("false", "/bin/false", nil, nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := <-group.Failed(); !strings.Contains(err.Error(), "false exited: exit status 1") {
		t.Errorf("got %v", err)
	}
}

func TestStopEndsChildrenAndTellsNothing(t *testing.T) {
	group := NewGroup()
	if err := group.Start("sleep", "/bin/sleep", []string{"600"}, nil, io.Discard); err != nil {
		t.Fatal(err)
	}
	group.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-group.children[0].ended:
	case <-ctx.Done():
		t.Error("the child runs on")
	}
	select {
	case err := <-group.Failed():
		t.Errorf("told %v", err)
	default:
	}
}
