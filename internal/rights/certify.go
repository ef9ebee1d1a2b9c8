package rights

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"thimble"
	"thimble/internal/rights/certificate"
)

// Surroundings know what a certificate says beside what the holders do.
type Surroundings interface {
	// Versions are the versions of models that are kept now, by model.
	Versions(ctx context.Context) (map[string][]certificate.Version, error)
	// Notices are those to recipients that an erasure caused, with what became of them.
	Notices(ctx context.Context, request thimble.ID) ([]certificate.Recipient, error)
	// Backups says until when a backup of before now can be opened.
	Backups(ctx context.Context) (certificate.Backups, error)
	// Beyond is what no certificate of this installation covers now, in sentences.
	Beyond(ctx context.Context) ([]string, error)
}

// A Registrar keeps certificates.
type Registrar interface {
	// Uncertified returns the erasures that are done and have no certificate, or one that
	// another is to follow, oldest first.
	Uncertified(ctx context.Context) ([]Uncertified, error)
	// Certify keeps a certificate with its leaf, once: another of the same number is of
	// kind ErrConflict. Settled says that no other is to follow.
	Certify(ctx context.Context, request thimble.ID, s certificate.Statement, settled bool) error
}

// An Uncertified erasure is one that a certificate is due for.
type Uncertified struct {
	Request Request
	Leaf    string                 // hash of the leaf that closed it, in hexadecimal
	Last    *certificate.Statement // nil: there is none yet
}

// before notes what a certificate compares with later.
func (d *Desk) before(ctx context.Context, r *Request) error {
	if d.cfg.Surroundings == nil {
		return nil
	}
	kept, err := d.cfg.Surroundings.Versions(ctx)
	if err != nil {
		return fmt.Errorf("which models are kept: %w", err)
	}
	r.Report.Versions = []certificate.Model{}
	for name, all := range kept {
		r.Report.Versions = append(r.Report.Versions, certificate.Model{Model: name, Before: all})
	}
	slices.SortFunc(r.Report.Versions, byName)
	return nil
}

// after notes what is kept once the person is out of everything.
func (d *Desk) after(ctx context.Context, r *Request) error {
	if d.cfg.Surroundings == nil {
		return nil
	}
	kept, err := d.cfg.Surroundings.Versions(ctx)
	if err != nil {
		return fmt.Errorf("which models are kept: %w", err)
	}
	for name, all := range kept {
		i := slices.IndexFunc(r.Report.Versions, func(m certificate.Model) bool { return m.Model == name })
		if i < 0 {
			r.Report.Versions = append(r.Report.Versions, certificate.Model{Model: name})
			i = len(r.Report.Versions) - 1
		}
		r.Report.Versions[i].After = all
	}
	slices.SortFunc(r.Report.Versions, byName)
	backups, err := d.cfg.Surroundings.Backups(ctx)
	if err != nil {
		return fmt.Errorf("how long backups open: %w", err)
	}
	r.Report.Backups = &backups
	r.Report.Beyond, err = d.cfg.Surroundings.Beyond(ctx)
	return err
}

func byName(a, b certificate.Model) int { return cmp.Compare(a.Model, b.Model) }

// Certify issues the certificates that are due: of each erasure that is done, and again
// when what recipients have confirmed has changed. It returns how many.
func (d *Desk) Certify(ctx context.Context) (issued int, failed error) {
	registrar, ok := d.store.(Registrar)
	if !ok || d.cfg.Surroundings == nil {
		return 0, nil
	}
	due, err := registrar.Uncertified(ctx)
	if err != nil {
		return 0, fmt.Errorf("rights: looking for what is to be certified: %w", err)
	}
	for _, u := range due {
		done, err := d.certify(ctx, registrar, u)
		if done {
			issued++
		}
		if err != nil && !errors.Is(err, thimble.ErrConflict) { // another node was quicker
			failed = errors.Join(failed, fmt.Errorf("rights: certifying %s: %w", u.Request.ID.Token(TokenPrefix), err))
		}
	}
	return issued, failed
}

func (d *Desk) certify(ctx context.Context, to Registrar, u Uncertified) (bool, error) {
	if u.Request.Report.Backups == nil || u.Request.Report.Held {
		return false, nil // of before there were certificates, or not done in full
	}
	told, err := d.cfg.Surroundings.Notices(ctx, u.Request.ID)
	if err != nil {
		return false, err
	}
	if u.Last != nil && slices.Equal(told, u.Last.Recipients) {
		return false, nil
	}
	s := u.statement()
	s.Recipients, s.Issued = told, d.cfg.Now().UTC()
	if s.Issued.Before(s.Done) {
		s.Issued = s.Done // the clock was put back
	}
	if err := s.Check(); err != nil {
		return false, err
	}
	settled := !slices.ContainsFunc(told, func(r certificate.Recipient) bool { return !r.Settled() })
	err = to.Certify(ctx, u.Request.ID, s, settled)
	return err == nil, err
}

// statement is what the report of an erasure says.
func (u Uncertified) statement() certificate.Statement {
	r := u.Request.Report
	s := certificate.Statement{
		Certificate: certificate.Kind, Request: r.Request, Issue: 1, Asked: r.At.UTC(), Done: u.Request.Done.UTC(), Report: u.Leaf, Resumed: r.Resumed,
		Keys: certificate.Keys{Hashes: append([]string{r.KeyHash}, r.OtherKeys...), Scanned: r.Scanned}, Models: r.Versions, Backups: *r.Backups, Beyond: r.Beyond,
	}
	if s.Done.Before(s.Asked) {
		s.Done = s.Asked // the clock was put back
	}
	if u.Last != nil {
		s.Issue = u.Last.Issue + 1
	}
	for _, h := range r.Holders {
		s.Holders = append(s.Holders, certificate.Holder{Holder: h.Holder, Erased: int64(h.Count)})
		for _, k := range h.Kept {
			s.Kept = append(s.Kept, certificate.Kept{Holder: h.Holder, What: certificate.Plain(k.What), Count: int64(k.Count), Law: certificate.Plain(k.Law)})
		}
	}
	return s
}
