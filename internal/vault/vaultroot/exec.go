package vaultroot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"thimble"
	"thimble/internal/vault"
)

// Exec says which program is the root: a hardware module's tool, a cloud's command.
// It is started for each call, reads one JSON object from its standard input
//
//	{"op": "wrap", "plain": BASE64, "aad": BASE64}
//	{"op": "unwrap", "wrapped": BASE64, "aad": BASE64}
//
// and writes one to its standard output, after which it ends with status 0:
//
//	{"wrapped": BASE64}
//	{"plain": BASE64}
//	{"error": "denied"}        the key is another one or destroyed, or aad differs
//	{"error": "unavailable"}   the same call may succeed later
//
// Everything else counts as unavailable. Its standard error is thrown away.
type Exec struct {
	Path string // of the program, absolute
	Args []string
	Env  []string // "NAME=value"; nil means an empty environment
}

type plugin struct{ cfg Exec }

// NewExec returns a root in a program. It starts nothing yet.
func NewExec(cfg Exec) (vault.Root, error) {
	if cfg.Path == "" || cfg.Path[0] != '/' {
		return nil, fmt.Errorf("vaultroot: exec: an absolute path was expected: %w", thimble.ErrInvalid)
	}
	return &plugin{cfg}, nil
}

type execMessage struct {
	Op      string `json:"op,omitempty"`
	Plain   []byte `json:"plain,omitempty"`
	Wrapped []byte `json:"wrapped,omitempty"`
	AAD     []byte `json:"aad,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Wrap implements vault.Root.
func (p *plugin) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	answer, err := p.call(ctx, execMessage{Op: "wrap", Plain: plain, AAD: aad})
	if err == nil && len(answer.Wrapped) == 0 {
		err = fmt.Errorf("an empty answer: %w", thimble.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("vaultroot: exec: wrapping: %w", err)
	}
	return answer.Wrapped, nil
}

// Unwrap implements vault.Root.
func (p *plugin) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	answer, err := p.call(ctx, execMessage{Op: "unwrap", Wrapped: wrapped, AAD: aad})
	if err == nil && len(answer.Plain) == 0 {
		err = fmt.Errorf("an empty answer: %w", thimble.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("vaultroot: exec: unwrapping: %w", err)
	}
	return answer.Plain, nil
}

func (p *plugin) call(ctx context.Context, request execMessage) (answer execMessage, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	cmd := exec.CommandContext(ctx, p.cfg.Path, p.cfg.Args...)
	cmd.Env = append([]string{}, p.cfg.Env...) // never ours, which may hold secrets
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(text)
	out := &limited{left: maxAnswer}
	cmd.Stdout = out
	cmd.WaitDelay = time.Second // a child of the program may keep the pipe open
	if err := cmd.Run(); err != nil {
		return answer, fmt.Errorf("the program did not answer: %w (%w)", exitCause(ctx, err), thimble.ErrUnavailable)
	}
	if err := json.Unmarshal(out.buf.Bytes(), &answer); err != nil {
		return execMessage{}, fmt.Errorf("an answer that is no JSON: %w", thimble.ErrUnavailable)
	}
	switch answer.Error {
	case "":
		return answer, nil
	case "denied":
		return execMessage{}, fmt.Errorf("the program refused: %w", thimble.ErrDenied)
	}
	return execMessage{}, fmt.Errorf("the program cannot now: %w", thimble.ErrUnavailable)
}

func exitCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("status %d", e.ExitCode())
	}
	return err
}

// limited takes a small answer and no more.
type limited struct {
	buf  bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, io.ErrShortWrite
	}
	return l.buf.Write(p)
}
