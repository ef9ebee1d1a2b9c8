package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"thimble/internal/app"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
)

// verifyLog audits a log: from outside over HTTP, or an installation's own.
func verifyLog(ctx context.Context, c *call, where string) error {
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		return verifyServed(ctx, c, where)
	}
	return verifyFolder(ctx, c, where)
}

// auditWithin bounds one resource of a log that does not answer.
const auditWithin = 30 * time.Second

// verifyServed remembers between calls, so that what the log shows next time must
// extend what it shows now.
func verifyServed(ctx context.Context, c *call, url string) error {
	key := c.flags.Lookup("key").Value.String()
	if key == "" {
		return invalid("--key is needed: the log's verifier key, as the console's ledger page and /v1/ledger/key show it")
	}
	file := c.flags.Lookup("seen").Value.String()
	if file == "" {
		sum := sha256.Sum256([]byte(key))
		file = fmt.Sprintf("log-%x.checkpoint", sum[:4])
	}
	seen, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		seen, err = nil, nil
	}
	if err != nil {
		return invalid("--seen: %s cannot be read", filepath.Base(file))
	}
	auditor, err := ledger.NewAuditor(seen, strings.Fields(key)...)
	if err != nil {
		return fmt.Errorf("--seen: %w", err)
	}
	before := auditor.Seen().Size
	fetch := ledgerweb.Fetch(&http.Client{Timeout: auditWithin}, logURL(url))
	audit := auditor.Audit
	if all, _ := strconv.ParseBool(c.flags.Lookup("all").Value.String()); all {
		audit = auditor.AuditAll
	}
	if err := audit(ctx, fetch); err != nil {
		return withEvidence(err, file)
	}
	if err := os.WriteFile(file, auditor.Seen().Note, 0o600); err != nil {
		return fmt.Errorf("%s cannot be written, and the next audit would begin anew: %w", filepath.Base(file), err)
	}
	head := auditor.Seen()
	fmt.Fprintf(c.out, "The log only grew.\n  log      %s\n  entries  %d, %d since the last audit\n  root     %x\n  seen     %s\n", head.Origin, head.Size, head.Size-before, head.Root[:], file)
	return nil
}

// logURL is the log's own address; a shop's is enough.
func logURL(url string) string {
	url = strings.TrimRight(url, "/")
	if strings.HasSuffix(url, ledgerweb.Prefix) {
		return url
	}
	return url + ledgerweb.Prefix
}

// withEvidence keeps both signed checkpoints: they convince anybody.
func withEvidence(err error, file string) error {
	e, ok := errors.AsType[*ledger.Evidence](err)
	if !ok {
		return err
	}
	text := fmt.Sprintf("%s\n\nSeen before:\n\n%s\nShown now:\n\n%s", e.Error(), e.Seen, e.Shown)
	name := file + ".evidence"
	if writeErr := os.WriteFile(name, []byte(text), 0o600); writeErr != nil {
		return fmt.Errorf("%w; the evidence could not be kept: %w", err, writeErr)
	}
	return fmt.Errorf("%w; the evidence is in %s", err, name)
}

// errFound ends an audit that found something with exit code 1.
var errFound = errors.New("the installation is not what its log says")

func verifyFolder(ctx context.Context, c *call, folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "keys")); err != nil {
		return invalid("%s holds no data of Thimble", folder)
	}
	c.settings["data"] = folder
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	done, err := a.Audit(ctx)
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d entries and %d rows were compared in %s.\n", done.Size, done.Compared, done.Took.Round(time.Millisecond))
	for _, f := range done.Findings {
		fmt.Fprintf(c.out, "  %s: %s (%d)\n", f.Table, f.Rule, f.Rows)
	}
	if len(done.Findings) > 0 {
		return errFound
	}
	fmt.Fprintln(c.out, "Everything is what the log says.")
	return nil
}

func ledgerEpoch(ctx context.Context, c *call) error {
	if c.flags.NArg() != 1 || c.flags.Arg(0) != "epoch" {
		return errWords
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	var seen []byte
	if file := c.flags.Lookup("seen").Value.String(); file != "" {
		if seen, err = os.ReadFile(file); err != nil {
			return invalid("--seen: %s cannot be read", filepath.Base(file))
		}
	}
	unlock, err := app.Lock(cfg)
	if err != nil {
		return err
	}
	defer unlock()
	a, err := app.Open(ctx, cfg, logger(cfg, c.err))
	if err != nil {
		return err
	}
	n, err := a.OpenEpoch(ctx, seen)
	key := a.Ledger.VerifierKey()
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Epoch %d of the log has begun. Its verifier key, for witnesses and whoever checks receipts:\n%s\n", n, key)
	return nil
}
