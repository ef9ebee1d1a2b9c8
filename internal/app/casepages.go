package app

import (
	"context"

	"thimble"
	"thimble/internal/apikey"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/rights"
	"thimble/internal/rights/cases"
	"thimble/internal/rights/casesdb"
	"thimble/internal/rights/casesweb"
	"thimble/internal/staff"
	"thimble/internal/subject/subjectweb"
)

// casePages are the pages on which people ask, and limit what is done.
func (d *doors) casePages() casesweb.PortalDeps {
	return casesweb.PortalDeps{
		Store: wholeCases{d.Cases, d.Subjects}, Begin: d.beginCase, Systems: d.Systems, Letters: d.Letters, Access: d.archive, Children: d.children, Own: d.own, Now: d.Config.clock(), Corrections: d.corrections(),
		Restricted: func(ctx context.Context, who thimble.SubjectID) (bool, error) {
			p, err := d.Subjects.Person(ctx, who)
			return p.Restricted, err
		},
		Refuses: func(ctx context.Context, who thimble.SubjectID, p thimble.Purpose) (bool, error) {
			st, err := d.wholeConsent().Standing(ctx, who, p)
			return st.State.Refuses(), err
		},
	}
}

// corrections find what can be corrected, and tell what came of it.
func (d *doors) corrections() casesweb.Corrections {
	return casesweb.Corrections{
		Held: d.Desk.Correctable, Accepts: d.Desk.Accepts, Differs: d.differs, Limit: d.limitCase,
		Named: func(ctx context.Context, items ...thimble.ItemID) (map[thimble.ItemID]string, error) {
			known, err := d.Catalog.Get(ctx, items...)
			names := make(map[thimble.ItemID]string, len(known))
			for id, p := range known {
				names[id] = decisionweb.ItemCalled(id, p.Name)
			}
			return names, err
		},
		Report: func(ctx context.Context, ref string) (rights.Report, error) {
			id, err := thimble.ParseID(rights.TokenPrefix, ref)
			if err != nil {
				return rights.Report{}, err
			}
			r, err := d.Requests.Get(ctx, id)
			return r.Report, err
		},
	}
}

// archive is what a case is answered by when its person opens it. It waits like the pages
// that show it, also when the e-mail address was added after the case.
func (d *doors) archive(ctx context.Context, who thimble.SubjectID) (rights.Archive, error) {
	if err := d.Cases.Waits(ctx, who); err != nil {
		return rights.Archive{}, err
	}
	return d.Desk.Access(ctx, who)
}

// casesDesk is the staff's desk of requests.
func (d *doors) casesDesk(reader subjectweb.Reader) casesweb.ConsoleDeps {
	return casesweb.ConsoleDeps{
		Store: d.Cases, Queue: d.Cases, Attorney: d.Cases.AttorneyOf, Begin: d.beginCase, Systems: d.Systems, Letters: d.Letters, Mails: d.Disclose.Mails, Reader: reader, Receipts: d.Ledger, Now: d.Config.clock(), Corrections: d.corrections(),
		Colleagues: func(ctx context.Context) (names []string, err error) {
			all, err := d.Staff.Accounts(ctx)
			for _, a := range all {
				if a.Usable() && a.Has(staff.Privacy) {
					names = append(names, a.Name)
				}
			}
			return names, err
		},
	}
}

func (d *doors) caseOperations() casesweb.OperationDeps {
	return casesweb.OperationDeps{
		Store: d.Cases, Find: d.Subjects.Find, Confirm: d.Config.BaseURL() + casesweb.PortalPath,
		Note: func(ctx context.Context, who thimble.SubjectID) error {
			_, err := d.openFor(ctx, apikey.From(ctx).Name, who, thimble.PrivacyPreferences)
			return err
		},
	}
}

// forgetting is the rights desk for the page on which people are forgotten: what they ask
// for there is a case like any other, which waits after an e-mail address was added.
type forgetting struct {
	*rights.Desk
	app *App
}

// Erase implements rightsweb.PortalDesk.
func (f forgetting) Erase(ctx context.Context, who thimble.SubjectID) (rights.Report, error) {
	all := f.app.Cases
	c, err := all.Open(ctx, casesdb.Asked{Subject: who, Kind: cases.Erase, Via: cases.Centre, Proof: cases.Session, By: cases.ThePerson})
	if err == nil && c.NeedsProof() && c.May(cases.Proved) {
		c, err = all.Do(ctx, c.ID, cases.Event{What: cases.Proved, By: cases.ThePerson, Proof: cases.Session}, thimble.Hide(""))
	}
	if err != nil {
		return rights.Report{}, err
	}
	if c.Cools.After(f.app.Config.clock()()) {
		return rights.Report{}, rights.ErrWaits
	}
	if c.May(cases.Accepted) {
		if c, err = all.Accept(ctx, c.ID, cases.ThePerson, ""); err != nil {
			return rights.Report{}, err
		}
	}
	report, err := f.Desk.Erase(ctx, who)
	if err != nil {
		return report, err
	}
	_, err = all.Finish(context.WithoutCancel(ctx), c)
	return report, err
}

// correctHref is the page on which somebody puts a datum of theirs right.
func (d *doors) correctHref(datum thimble.Datum) string {
	if !d.Desk.Corrects(datum) {
		return ""
	}
	return casesweb.CorrectHref(datum)
}
