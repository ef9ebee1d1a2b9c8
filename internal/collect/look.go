package collect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"thimble"
	"thimble/internal/collect/table"
)

// Look reads the beginning of a source and guesses how to read it as a kind: for
// somebody to confirm. A form that is given is not guessed.
func Look(ctx context.Context, k Kind, src Source, given *table.Form) (g table.Guess, err error) {
	if !k.Known() {
		return g, fmt.Errorf("collect: kind: one of %q was expected: %w", Kinds(), thimble.ErrInvalid)
	}
	s, err := openStream(ctx, src)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	text := bufio.NewReaderSize(s.text, table.SniffBytes)
	head, err := text.Peek(table.SniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return g, s.failure(err)
	}
	form := table.Sniff(head)
	if given != nil {
		form = *given
	}
	in, err := table.Open(table.Decode(text, form.Encoding), form)
	if err != nil {
		return g, fmt.Errorf("collect: %s: %w", src.Name, err)
	}
	sp := specs[k]
	if g, err = table.Look(in, form, string(k), sp.fields, sp.presets); err != nil {
		return g, fmt.Errorf("collect: %s: %w", src.Name, err)
	}
	if len(sp.some) > 0 && !slices.ContainsFunc(sp.some, func(f string) bool { return g.Mapping.Columns[f] != "" }) {
		g.Missing = append(g.Missing, listed(sp.some))
	}
	if g.Mapping.Columns["price"] != "" && g.Mapping.Columns["currency"] == "" && !g.Coded {
		g.Doubts = append(g.Doubts, "currency: the prices name none; say which with --currency")
	}
	return g, nil
}
