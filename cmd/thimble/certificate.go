package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"thimble/internal/rights/certificate"
)

// verifyCertificate checks the certificate of an erasure offline, and prints each line of
// it that the log has signed.
func verifyCertificate(c *call, text []byte) error {
	key := c.flags.Lookup("key").Value.String()
	if key == "" {
		return invalid("--key is needed: the log's verifier key, as the shop's page /ledger/key shows it")
	}
	v, err := certificate.Verify(text, strings.Fields(key)...)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, "The certificate is genuine: form, opening, inclusion, signature, statement and sense passed. The log has signed:")
	printCertificate(c.out, v.Statement)
	fmt.Fprintf(c.out, "  entry      %d of %d in %s\n", v.Entry.Index, v.Entry.Size, v.Entry.Origin)
	for _, w := range v.Entry.Cosigned {
		fmt.Fprintf(c.out, "  cosigned   %s\n", w.Key.Name())
	}
	return nil
}

func printCertificate(w io.Writer, s certificate.Statement) {
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
	fmt.Fprintf(w, "  request    %s, certificate %d\n  asked      %s\n  done       %s\n  certified  %s\n", s.Request, s.Issue, at(s.Asked), at(s.Done), at(s.Issued))
	if s.Resumed {
		fmt.Fprintln(w, "  resumed    it was interrupted: what was destroyed before may not be in the counts")
	}
	for _, h := range s.Holders {
		fmt.Fprintf(w, "  holder     %s: %d destroyed\n", h.Holder, h.Erased)
	}
	for _, k := range s.Keys.Hashes {
		fmt.Fprintf(w, "  keys       %s\n", k)
	}
	fmt.Fprintf(w, "  scanned    %v\n", s.Keys.Scanned)
	for _, m := range s.Models {
		printVersions(w, m.Model, "before", m.Before)
		printVersions(w, m.Model, "after", m.After)
	}
	for _, r := range s.Recipients {
		fmt.Fprintf(w, "  recipient  %s: %s, %s%s (%s)\n", r.Name, r.State, at(r.At), strings.TrimSuffix(", "+r.Why, ", "), r.Notice)
	}
	for _, k := range s.Kept {
		fmt.Fprintf(w, "  kept       %s: %d × %s (%s)\n", k.Holder, k.Count, k.What, k.Law)
	}
	fmt.Fprintf(w, "  backups    unreadable after %s: %s\n", s.Backups.UnreadableAfter.Format(time.DateOnly), s.Backups.Why)
	for _, b := range s.Beyond {
		fmt.Fprintf(w, "  not covered: %s\n", b)
	}
}

func printVersions(w io.Writer, model, when string, all []certificate.Version) {
	for _, v := range all {
		fmt.Fprintf(w, "  model      %s %s: version %d, %s, %s\n", model, when, v.Version, v.Stage, v.Weights)
	}
	if len(all) == 0 {
		fmt.Fprintf(w, "  model      %s %s: no version was kept\n", model, when)
	}
}
