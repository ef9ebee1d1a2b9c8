package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/recommend/device"
	"thimble/internal/rights/certificate"
	"thimble/internal/sqldb"
)

// surroundings tell the desk of rights what a certificate says beside what the holders do.
type surroundings struct{ app *App }

// Versions implements rights.Surroundings.
func (s surroundings) Versions(ctx context.Context) (map[string][]certificate.Version, error) {
	lines, err := s.app.Models.Lines(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string][]certificate.Version{}
	for _, l := range lines {
		kept, err := s.app.Models.Kept(ctx, l.Model)
		if err != nil {
			return nil, err
		}
		for _, v := range kept {
			all[l.Model] = append(all[l.Model], certificate.Version{Version: v.Number, Stage: string(v.Stage), Weights: hex.EncodeToString(v.Hash[:])})
		}
	}
	return all, nil
}

// Notices implements rights.Surroundings.
func (s surroundings) Notices(ctx context.Context, request thimble.ID) (all []certificate.Recipient, err error) {
	messages, err := s.app.Disclose.Caused(ctx, request)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		name := "a recipient that is not listed any more"
		r, err := s.app.Disclose.Recipient(ctx, m.Recipient)
		switch {
		case err == nil:
			name = certificate.Plain(r.Name)
		case !errors.Is(err, thimble.ErrNotFound):
			return nil, err
		}
		all = append(all, noticed(name, m))
	}
	told, err := s.systems(ctx, request)
	return append(all, told...), err
}

// noticed says where a notice of erasure stands.
func noticed(name string, m disclosedb.Message) certificate.Recipient {
	n := certificate.Recipient{Name: name, Notice: m.ID.Token(disclose.MessagePrefix), State: certificate.Told, At: m.CreatedAt}
	switch m.State {
	case disclose.Delivered:
		n.State, n.At = certificate.Delivered, m.SentAt
	case disclose.Acknowledged:
		n.State, n.At = certificate.Acknowledged, m.AckedAt
	case disclose.Overdue:
		n.State, n.At = certificate.Overdue, m.AckDue
	case disclose.Blocked, disclose.Dead, disclose.Cancelled:
		n.State, n.Why = certificate.Unreachable, certificate.Plain(m.Why)
	}
	return n
}

// Backups implements rights.Surroundings.
func (s surroundings) Backups(context.Context) (certificate.Backups, error) {
	b := certificate.Backups{UnreadableAfter: s.app.Vault.UnreadableAfter(),
		Why: "until this day somebody who has both a backup of the keys from before and that day's epoch key can open what a backup holds of the person; epoch keys are in no backup and are destroyed by then"}
	if s.app.Keys.Engine() != sqldb.SQLite {
		b.Why = "until this day deleted keys may lie in dead rows, logs and standbys of the database, and in backups of it; the epoch key that opens them is destroyed by then"
	}
	return b, nil
}

// Beyond implements rights.Surroundings.
func (s surroundings) Beyond(ctx context.Context) ([]string, error) {
	beyond := []string{
		"what the person kept: their own download, their receipts, letters in their mailbox and at mail servers",
		"copies that a recipient made or passed on; it was told, and what it answered is listed under recipients",
		"systems of the shop outside of this installation that are neither a recipient nor a system stated here, and files that staff took out of it by hand",
		"what somebody else wrote about the person in a text of their own that does not name an account",
		"names that the shop, its staff and its systems gave to files, texts, products and events, and what staff wrote as a reason of their own",
		"the number that a registered agent gave to a request of the person's: it is sealed, and kept until 60 days after the request was closed",
		"what a system outside knows the person by: it is sealed, and kept until that system has answered, or 90 days after its date",
		"the last letter to the person and to who answers for them, with their addresses: it is sealed, and kept until the mail server has it, or three days after the first try",
		"totals that name nobody, such as how many of a product were sold on a day",
		"what the operating system, the disk and a proxy before this program write down",
	}
	if s.app.Keys.Engine() != sqldb.SQLite {
		beyond = append(beyond, "the database's own files, which are not this program's to read: they were not scanned")
	}
	outside, err := s.apart(ctx)
	if err != nil {
		return nil, err
	}
	beyond = append(beyond, outside...)
	releases, err := s.app.Device.Releases(ctx)
	if err != nil {
		return nil, fmt.Errorf("files for browsers: %w", err)
	}
	for _, r := range releases {
		if !r.Valid(s.app.Config.clock()()) {
			continue
		}
		switch r.Kind {
		case device.Counted:
			beyond = append(beyond, "copies in browsers of a file of products that people bought together, without noise: a copy of before the erasure is used for a day at most")
		case device.Noised:
			beyond = append(beyond, "a file of products for browsers, made under differential privacy before the erasure: it is kept until "+r.Until.UTC().Format("2006-01-02")+", and says nothing about any one person beyond its guarantee")
		}
	}
	return beyond, nil
}
