package collect_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"thimble"
	"thimble/internal/catalog/catalogdb"
	"thimble/internal/collect"
	"thimble/internal/collect/collectdb"
	"thimble/internal/consent/consentdb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerdb"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/policy"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/vault"
	"thimble/internal/vault/vaulttest"
)

const samplePath = "testdata/online_retail_sample.csv.gz"

// A shop is a Thimble as far as imports know it, with a real vault.
type shop struct {
	testing.TB
	ctx    context.Context
	db     *sqldb.DB
	vault  *vault.Vault
	people *subjectdb.Store
	orders *orderdb.Store
	goods  *catalogdb.Store
	store  *collectdb.Store

	consent *consentdb.Store
	door    door
}

func newShop(tb testing.TB, core, keys *sqldb.DB) *shop {
	v := vaulttest.New(tb, keys)
	s := &shop{TB: tb, ctx: context.Background(), vault: v}
	s.open(core)
	return s
}

// open is what a new process does.
func (s *shop) open(core *sqldb.DB) {
	s.db = core
	s.people = subjectdb.New(core, s.vault, subjectdb.Config{Opener: s.vault})
	s.orders = orderdb.New(core, s.vault, s.vault)
	s.goods = catalogdb.New(core)
	signer, err := ledger.NewSigner("thimble.local/log/imports", make([]byte, 32))
	if err != nil {
		panic(err)
	}
	pack, err := policy.Baseline()
	if err != nil {
		panic(err)
	}
	s.consent = consentdb.New(core, ledgerdb.New(core, signer, ledgerdb.Config{}), s.vault, s.people, pack, time.Now)
	s.store = collectdb.New(core, s.parts(), time.Now, nil)
}

func (s *shop) parts() collectdb.Parts {
	return collectdb.Parts{People: s.people, Orders: s.orders, Catalogue: s.goods, Keys: s.vault, Consents: s.consent}
}

func eachShop(t *testing.T, f func(*testing.T, *shop)) {
	sqldbtest.Pair(t, func(t *testing.T, core, keys *sqldb.DB) { f(t, newShop(t, core, keys)) })
}

// A door denies these categories.
type door []thimble.Category

var errBroken = errors.New("the door is out of order")

func (d door) Collect(_ context.Context, p thimble.Purpose, categories ...thimble.Category) error {
	for _, denied := range d {
		for _, c := range categories {
			if denied == "broken" {
				return errBroken
			}
			if c == denied || p != thimble.EssentialService {
				return fmt.Errorf("not this: %w", thimble.ErrDenied)
			}
		}
	}
	return nil
}

func (s *shop) imports(src collect.Source, opt collect.Options) (collect.Report, error) {
	return collect.New(s.store, s.door).Orders(s.ctx, src, opt)
}

func (s *shop) imported(src collect.Source, opt collect.Options) collect.Report {
	s.Helper()
	r, err := s.imports(src, opt)
	if err != nil {
		s.Fatal(err)
	}
	if !r.Finished {
		s.Fatal("the import did not finish")
	}
	return r
}

// text is a source with these rows under the usual header.
func text(rows ...string) collect.Source {
	return source("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n" + strings.Join(rows, "\n"))
}

func source(content string) collect.Source {
	return collect.Source{Name: "orders.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// sampleRows are the records of the sample, without its header.
func sampleRows(tb testing.TB) [][]string {
	tb.Helper()
	f, err := os.Open(samplePath)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	return rows[1:]
}

func (s *shop) account(number string) thimble.SubjectID {
	s.Helper()
	found, err := s.people.FindAll(s.ctx, []subject.Identifier{{Kind: subject.Account, Value: thimble.Hide(number)}})
	if err != nil {
		s.Fatal(err)
	}
	return found[0]
}

func (s *shop) ordersOf(number string) []order.Order {
	s.Helper()
	sealed, err := s.orders.Of(s.ctx, s.account(number), 0)
	if err != nil {
		s.Fatal(err)
	}
	return s.opened(sealed)
}

func (s *shop) opened(sealed []order.Sealed) (all []order.Order) {
	s.Helper()
	for _, o := range sealed {
		plain, err := order.Unseal(s.ctx, s.vault, o)
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, plain)
	}
	return all
}

// everything returns all orders, opened, by number; guests' too. Ids and subjects
// are drawn at random: subjects are replaced by their account.
func (s *shop) everything() map[string]string {
	s.Helper()
	var sealed []order.Sealed
	err := s.db.Read(s.ctx, func(tx *sqldb.Tx) error {
		sealed = nil
		rows, err := tx.Query(s.ctx, `select id, subject_id, placed_at, body from order_orders`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var o order.Sealed
			var at int64
			if err := rows.Scan(&o.ID, &o.Subject, &at, &o.Body); err != nil {
				return err
			}
			o.PlacedAt = time.UnixMicro(at).UTC()
			sealed = append(sealed, o)
		}
		return rows.Err()
	})
	if err != nil {
		s.Fatal(err)
	}
	all := map[string]string{}
	for _, o := range s.opened(sealed) {
		owner := s.owner(o.Subject)
		o.ID, o.Subject = thimble.ID{}, thimble.SubjectID{}
		all[o.Number] = fmt.Sprintf("%s: %+v", owner, o)
	}
	if len(all) != len(sealed) {
		s.Errorf("%d rows have %d numbers", len(sealed), len(all))
	}
	return all
}

func (s *shop) owner(id thimble.SubjectID) string {
	s.Helper()
	var all []string
	for d, err := range s.people.Export(s.ctx, id) {
		if err != nil {
			s.Fatal(err)
		}
		if d.Name == "here last" {
			continue // the day of the test
		}
		if d.Category == thimble.AccountIdentifier || d.Category == subject.Email.Category() {
			all = append(all, d.Value.(string))
		}
		if d.Category == thimble.Country {
			all = append(all, d.Value.(subject.Residence).Country)
		}
	}
	if len(all) == 0 && !id.IsZero() {
		s.Errorf("orders name %s, who is not there", id)
	}
	return strings.Join(all, " of ")
}

// catalogue returns the rows of the catalogue as text.
func (s *shop) catalogue() (all []string) {
	s.Helper()
	for _, query := range []string{
		`select id, name, kind, price_minor, category, sold_orders || '/' || sold_units || '/' || updated_at from catalog_products order by id`,
		`select item_id, '', '', day, '', orders || '/' || units from catalog_demand order by day, item_id`,
	} {
		err := s.db.Read(s.ctx, func(tx *sqldb.Tx) error {
			rows, err := tx.Query(s.ctx, query)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, name, kind, category, counts string
				var n int64
				if err := rows.Scan(&id, &name, &kind, &n, &category, &counts); err != nil {
					return err
				}
				all = append(all, fmt.Sprintln(id, name, kind, n, category, counts))
			}
			return rows.Err()
		})
		if err != nil {
			s.Fatal(err)
		}
	}
	return all
}
