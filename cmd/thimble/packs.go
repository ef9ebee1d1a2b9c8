package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"thimble/internal/policy"
	"thimble/internal/policy/calendar"
)

func packsFlags(f *flag.FlagSet) {
	f.String("residence", "", "explain: where the person lives, such as US-CA; several with commas; unknown when left out")
	f.String("on", "", "explain, simulate: the day, such as 2026-11-21, as each law's own place counts it")
	f.String("people", "", "simulate: CSV of people in place of those on file, with the columns residence,count and, if known, age")
	f.String("key", "", "further verifier keys that may sign packs, with blanks between")
	f.String("accept", "", "further hashes of unsigned packs that are taken all the same, with commas")
	f.String("key-file", "", "sign: file with the signer key")
	f.String("since", "", "verify: the version in force so far; an older pack is refused")
	f.Bool("json", false, "print JSON")
}

func packs(ctx context.Context, c *call) error {
	words := c.flags.Args()
	if len(words) == 0 {
		return errWords
	}
	verb, files := words[0], words[1:]
	switch {
	case verb == "list" && len(files) == 0:
		return packsList(c)
	case verb == "explain" && len(files) == 0:
		return packsExplain(c)
	case verb == "test":
		return packsTest(c, files)
	case verb == "simulate" && len(files) == 1:
		return packsSimulate(ctx, c, files[0])
	case verb == "hash" && len(files) == 1:
		return packsHash(c, files[0])
	case verb == "sign" && len(files) == 1:
		return packsSign(c, files[0])
	case verb == "verify" && len(files) == 1:
		return packsVerify(c, files[0])
	}
	return errWords
}

// flag returns the text of a flag.
func (c *call) flag(name string) string { return c.flags.Lookup(name).Value.String() }

func (c *call) json() bool { return c.flag("json") == "true" }

// list splits what commas separate.
func commas(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *call) print(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// library loads the packs that ship, and those of the configured folder. What it
// trusts beyond the configuration, flags say.
func (c *call) library() (*policy.Library, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	cfg.PackKeys += " " + c.flag("key")
	cfg.PackHashes += "," + c.flag("accept")
	return cfg.Library(nil)
}

// packFile reads a pack and the signature beside it, if there is one.
func packFile(name string) (policy.File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return policy.File{}, invalid("%s cannot be read", name)
	}
	sig, err := os.ReadFile(name + ".sig")
	if err != nil && !os.IsNotExist(err) {
		return policy.File{}, invalid("%s.sig cannot be read", name)
	}
	return policy.File{Name: name, Text: text, Signature: sig}, nil
}

func packsList(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	if c.json() {
		return c.print(l.List())
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "PACK\tSTATUS\tFROM\tVALUES\tTO VERIFY\tREVIEWER\tTITLE")
	for _, p := range l.List() {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", p.Ref, p.Status, cmp.Or(p.From.String(), "-"), p.Values, p.Unverified, cmp.Or(p.Reviewer, "-"), p.Title)
	}
	return tab.Flush()
}

// question reads the flags that say whose law is asked for, and when.
func (c *call) question() (policy.Question, error) {
	var q policy.Question
	day, err := calendar.ParseDate(c.flag("on"))
	if err != nil {
		return q, invalid("--on is needed: a day such as 2026-11-21")
	}
	q.On = day
	for _, place := range commas(c.flag("residence")) {
		q.Residences = append(q.Residences, policy.Residence{Place: place, Evidence: policy.Declared})
	}
	cfg, err := c.config()
	if err != nil {
		return q, err
	}
	shop, err := cfg.Shop()
	q.Establishment, q.Facts = shop.Establishment, shop.Facts
	return q, err
}

func packsExplain(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	q, err := c.question()
	if err != nil {
		return err
	}
	law, chosen, err := l.Choose(q)
	if err != nil {
		return err
	}
	if c.json() {
		digest := law.Digest()
		return c.print(struct {
			On     calendar.Date   `json:"on"`
			Digest string          `json:"digest"`
			Packs  []policy.Chosen `json:"packs"`
			Values []policy.Value  `json:"values"`
		}{q.On, fmt.Sprintf("%x", digest[:]), chosen, law.Values()})
	}
	fmt.Fprintf(c.out, "The law on %s. Packs are data with citations, not legal advice.\n\n", q.On)
	for _, p := range chosen {
		fmt.Fprintf(c.out, "%s: %s\n", p.Pack, p.Why)
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	last := ""
	for _, v := range law.Values() {
		if v.Dim != last {
			fmt.Fprintf(tab, "\n%s\t\t\t\n", strings.ToUpper(v.Dim))
			last = v.Dim
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\n", v.Key, v.Text, origin(v.Origin))
		for _, o := range v.Also {
			fmt.Fprintf(tab, "  \t\t%s\n", origin(o))
		}
		for _, lost := range v.Lost {
			fmt.Fprintf(tab, "  \t(not %s)\t%s\n", lost.Text, origin(lost.Origin))
		}
	}
	return tab.Flush()
}

func origin(o policy.Origin) string {
	s := o.Pack + ": " + o.Cite
	if o.Verify {
		s += " [to verify]"
	}
	return s
}

// packsTest runs the examples of files, or of all packs that ship.
func packsTest(c *call, names []string) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	var ids []string
	for _, p := range l.List() {
		id, _, _ := strings.Cut(p.Ref, "@")
		ids = append(ids, id)
	}
	if len(names) > 0 {
		ids = nil
	}
	tested := func(l *policy.Library, id string) (ran int, failed []string, err error) {
		p, err := l.Pack(id)
		if err != nil {
			return 0, nil, err
		}
		ran, failed = p.Test()
		for _, f := range failed {
			fmt.Fprintf(c.out, "%s: %s\n", p.Ref(), f)
		}
		return ran, failed, nil
	}
	var ran, failed int
	add := func(l *policy.Library, id string) error {
		n, bad, err := tested(l, id)
		ran, failed = ran+n, failed+len(bad)
		return err
	}
	for _, id := range ids {
		if err := add(l, id); err != nil {
			return err
		}
	}
	for _, name := range names {
		f, err := packFile(name)
		if err != nil {
			return err
		}
		_, with, p, err := l.Try(f)
		if err != nil {
			return err
		}
		if err := add(with, p.ID); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "%d examples, %d failed\n", ran, failed)
	if failed > 0 {
		return invalid("%d of %d examples failed", failed, ran)
	}
	return nil
}

func packsHash(c *call, name string) error {
	p, err := readPack(name)
	if err != nil {
		return err
	}
	hash := p.Hash()
	fmt.Fprintf(c.out, "%x  %s\n", hash[:], p.Ref())
	return nil
}

func readPack(name string) (*policy.Pack, error) {
	f, err := packFile(name)
	if err != nil {
		return nil, err
	}
	p, err := policy.Parse(f.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func packsSign(c *call, name string) error {
	if c.flag("key-file") == "" {
		return invalid("--key-file is needed: a file with a signer key, PRIVATE+KEY+…")
	}
	p, err := readPack(name)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(c.flag("key-file"))
	if err != nil {
		return invalid("--key-file: %s cannot be read", c.flag("key-file"))
	}
	signed, err := policy.Sign(p, string(key))
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".sig", signed, 0o644); err != nil {
		return fmt.Errorf("writing %s.sig: %w", name, err)
	}
	fmt.Fprintf(c.out, "%s.sig written\n", name)
	return nil
}

// packsVerify takes a pack as an installation would, and says by whose word.
func packsVerify(c *call, name string) error {
	f, err := packFile(name)
	if err != nil {
		return err
	}
	trust := policy.Trust{Keys: strings.Fields(c.flag("key")), Hashes: commas(c.flag("accept"))}
	if since := c.flag("since"); since != "" {
		p, err := policy.Parse(f.Text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		trust.Floors = map[string]string{p.ID: since}
	}
	l, err := policy.Load(trust, f)
	if err != nil {
		return err
	}
	list := l.List()
	i := slices.IndexFunc(list, func(p policy.Listed) bool { return p.Trust != "shipped" })
	fmt.Fprintf(c.out, "%s is taken: %s\n", list[i].Ref, list[i].Trust)
	return nil
}
