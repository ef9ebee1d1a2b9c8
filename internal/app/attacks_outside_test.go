package app_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/ledger/witness"
)

func TestOperatorsAttacksOnThoseOutsideAreDetected(t *testing.T) {
	sc := newScene(t, map[string]string{"data": t.TempDir()})
	defer sc.Close()
	ctx := t.Context()
	head, err := sc.Ledger.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	operator := sc.signer(sc.App, head.Origin)
	forked, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	longer, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size + 1, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ledger.NewSigner(head.Origin, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w, err := witness.Open(t.TempDir(), "witness.example/w", []ledger.PolicyLog{{Origin: head.Origin, VerifierKey: sc.Ledger.VerifierKey()}}, witness.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	watch := func(old int64, proof tlog.TreeProof, note []byte) ([]byte, error) {
		body, err := ledger.AddCheckpoint{Old: old, Proof: proof, Note: note}.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		return w.Add(ctx, body)
	}
	lines, err := watch(0, nil, head.Note)
	if err != nil {
		t.Fatal(err)
	}
	by, err := ledger.Cosignatures(head, lines, w.Key())
	if err != nil {
		t.Fatal(err)
	}
	cosigned := head.WithCosignatures(by)
	keys := []string{sc.Ledger.VerifierKey(), w.Key().String()}
	verify := func(receipt []byte, keys ...string) error { _, err := ledger.Verify(receipt, keys...); return err }
	in := func(receipt, note []byte) []byte {
		proof, _, _ := bytes.Cut(receipt, []byte("\n\n"))
		return slices.Concat(proof, []byte("\n\n"), note)
	}
	part := func(receipt []byte, i int) string { return strings.Split(string(receipt), "\n")[i] }
	old, err := ledger.SignCheckpoint(operator, tlog.Tree{N: head.Size - 1, Hash: tlog.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}

	attacks := map[string]func(attacked bool) error{
		"show one customer another tree": func(attacked bool) error {
			return sc.shown(pick(attacked, forked.Note, head.Note))
		},
		"show an auditor an older tree": func(attacked bool) error {
			return sc.shown(pick(attacked, old.Note, head.Note))
		},
		"show a foreign checkpoint": func(attacked bool) error {
			foreign, err := ledger.SignCheckpoint(stranger, head.Tree())
			return errors.Join(err, sc.shown(pick(attacked, foreign.Note, head.Note)))
		},
		"replay an old checkpoint to a witness": func(attacked bool) error {
			_, err := watch(pick(attacked, head.Size-1, head.Size), nil, pick(attacked, old.Note, head.Note))
			return err
		},
		"show a witness another history": func(attacked bool) error {
			_, err := watch(head.Size, nil, pick(attacked, longer.Note, head.Note))
			return err
		},
		"forge a cosignature": func(attacked bool) error {
			note := slices.Clone(cosigned.Note)
			if attacked {
				at := bytes.LastIndexByte(note[:len(note)-1], ' ') + 30
				note[at] = pick(note[at] == 'A', byte('B'), byte('A'))
			}
			return verify(in(sc.receipt, note), keys...)
		},
		"leave a cosignature to a stranger": func(attacked bool) error {
			other, err := ledger.NewCosigner("witness.example/other", bytes.Repeat([]byte{3}, 32))
			if err != nil {
				return err
			}
			return verify(in(sc.receipt, cosigned.Note), keys[0], pick(attacked, other.Key(), w.Key()).String())
		},
		"present a receipt of another log": func(attacked bool) error {
			return verify(sc.receipt, pick(attacked, stranger.VerifierKey(), keys[0]))
		},
		"put a receipt under a foreign checkpoint": func(attacked bool) error {
			foreign, err := ledger.SignCheckpoint(stranger, head.Tree())
			return errors.Join(err, verify(in(sc.receipt, pick(attacked, foreign.Note, head.Note)), keys[0]))
		},
		"put a receipt under a forked checkpoint": func(attacked bool) error {
			return verify(in(sc.receipt, pick(attacked, forked.Note, head.Note)), keys[0])
		},
		"swap the records of two receipts": func(attacked bool) error {
			swapped := strings.Replace(string(sc.receipt), part(sc.receipt, 1), part(pick(attacked, sc.other, sc.receipt), 1), 1)
			return verify([]byte(swapped), keys[0])
		},
		"claim another place in the log": func(attacked bool) error {
			moved := strings.Replace(string(sc.receipt), part(sc.receipt, 2), pick(attacked, part(sc.other, 2), part(sc.receipt, 2)), 1)
			return verify([]byte(moved), keys[0])
		},
	}
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		t.Run(name, func(t *testing.T) {
			if err := attacks[name](false); err != nil {
				t.Errorf("the control: %v", err)
			}
			err := attacks[name](true)
			if err == nil {
				t.Error("nobody noticed")
			}
			t.Logf("detected: %v", err)
		})
	}
}

func pick[T any](attacked bool, yes, no T) T {
	if attacked {
		return yes
	}
	return no
}

// shown has the auditor see the log with another checkpoint than the one that is served.
func (sc *scene) shown(note []byte) error {
	server := httptest.NewServer(ledgerweb.Handler(sc.Ledger, nil))
	defer server.Close()
	fetch := ledgerweb.Fetch(server.Client(), server.URL+ledgerweb.Prefix)
	auditor, err := ledger.NewAuditor(sc.auditor.Seen().Note, sc.Ledger.VerifierKey())
	if err != nil {
		return err
	}
	return auditor.Audit(sc.t.Context(), func(ctx context.Context, path string) ([]byte, error) {
		if path == "checkpoint" {
			return note, nil
		}
		return fetch(ctx, path)
	})
}
