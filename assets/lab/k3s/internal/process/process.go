// Package process runs the programs that a node consists of as children, which end with it.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// stopTime is how long a child may take to end by itself.
const stopTime = 10 * time.Second

// Group is the children of one node.
type Group struct {
	mutex    sync.Mutex
	children []*child
	stopping bool
	failed   chan error
	requests chan func()
}

type child struct {
	name    string
	command *exec.Cmd
	ended   chan struct{}
}

// NewGroup starts the thread that all children are forked from: the kernel ends a child when the thread that forked it ends.
func NewGroup() *Group {
	group := &Group{failed: make(chan error, 16), requests: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for request := range group.requests {
			request()
		}
	}()
	return group
}

// Failed tells of the first child that ended unasked.
func (g *Group) Failed() <-chan error { return g.failed }

// Kubernetes starts one of the programs inside this binary.
func (g *Group) Kubernetes(name string, args Args) error {
	return g.Start(name, "/proc/self/exe", args.List(), nil, os.Stderr)
}

// Start starts a program; an end that nobody asked for is told by Failed.
func (g *Group) Start(name, path string, args, env []string, output io.Writer) error {
	command := exec.Command(path, args...)
	command.Args[0] = name
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), env...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	logrus.Infof("Running %s %s", name, strings.Join(args, " "))
	started := make(chan error)
	g.requests <- func() { started <- command.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	running := &child{name, command, make(chan struct{})}
	g.mutex.Lock()
	g.children = append(g.children, running)
	g.mutex.Unlock()
	go g.wait(running)
	return nil
}

func (g *Group) wait(running *child) {
	err := running.command.Wait()
	close(running.ended)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.stopping {
		return
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	select {
	case g.failed <- fmt.Errorf("%s exited: %w", running.name, err):
	default:
	}
}

// Stop ends all children, the last started first; pods stay, for they are no children.
func (g *Group) Stop() {
	g.mutex.Lock()
	g.stopping = true
	children := append([]*child{}, g.children...)
	g.mutex.Unlock()
	deadline := time.After(stopTime)
	for i := len(children) - 1; i >= 0; i-- {
		_ = children[i].command.Process.Signal(syscall.SIGTERM)
	}
	for _, running := range children {
		select {
		case <-running.ended:
		case <-deadline:
			_ = running.command.Process.Kill()
		}
	}
}

// Args is a program's flags without their dashes.
type Args map[string]string

// With lets `name=value` of the user take the place of ours; `name+=value` adds to it, as in K3s.
func (a Args) With(user []string) Args {
	for _, given := range user {
		name, value, found := strings.Cut(strings.TrimLeft(given, "-"), "=")
		if !found {
			value = "true"
		}
		if base, appends := strings.CutSuffix(name, "+"); appends {
			name = base
			if old := a[base]; old != "" {
				value = old + "," + value
			}
		}
		a[name] = value
	}
	return a
}

// List is the flags as a program takes them, sorted.
func (a Args) List() []string {
	list := make([]string, 0, len(a))
	for name, value := range a {
		list = append(list, "--"+name+"="+value)
	}
	sort.Strings(list)
	return list
}

// Poll asks until the answer is yes or the context ends.
func Poll(ctx context.Context, every time.Duration, ready func() bool) error {
	for !ready() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
	return nil
}
