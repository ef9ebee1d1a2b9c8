package collect_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/order"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func TestOrdersAreWhatTheFileSays(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		r := s.imported(collect.File(samplePath), collect.Options{BatchOrders: 50})
		numbers, customers, guests := map[string]bool{}, map[string]bool{}, map[string]bool{}
		var lines int64
		for _, row := range sampleRows(t) {
			lines++
			if row[0][0] == 'A' || row[0][0] != 'C' && row[3][0] == '-' {
				continue
			}
			numbers[row[0]] = true
			if customers[row[6]] = true; row[6] == "" {
				guests[row[0]] = true
			}
		}
		delete(customers, "")
		want := collect.Counts{
			Rows: lines, Orders: int64(len(numbers)), Guests: int64(len(guests)), Subjects: int64(len(customers)), NoCountry: 3,
			Returns: r.Returns, Rejected: 42, Reasons: map[collect.Reason]int64{collect.Adjustment: 3, collect.SplitOrder: 35, collect.QuantitySign: 4},
		}
		if diff := cmp.Diff(want, r.Counts); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
		if int64(len(r.Rejects)) != r.Rejected {
			t.Errorf("%d rows are listed, want %d", len(r.Rejects), r.Rejected)
		}
		totals, err := s.orders.Totals(t.Context())
		if err != nil || totals.Orders != want.Orders || totals.Guests != want.Guests || totals.Subjects != want.Subjects {
			t.Errorf("the shop holds %+v, %v", totals, err)
		}
	})
}

func TestACustomersOrdersCanBeReadBack(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.imported(text(
			`536365,85123a,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom`,
			`536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:27:00,3.39,17850.0,United Kingdom`,
			`C536379,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-2,2010-12-02 09:41:00,2.55,17850.0,EIRE`,
		), collect.Options{Zone: time.FixedZone("summer", 3600)})
		line := func(item string, units, minor int64) order.Line {
			return order.Line{Item: thimble.ItemID(item), Units: units, Price: thimble.Money{Minor: minor, Currency: "GBP"}}
		}
		want := []order.Order{
			{Number: "C536379", PlacedAt: time.Date(2010, 12, 2, 8, 41, 0, 0, time.UTC), Country: "IE", Return: true, Lines: []order.Line{line("85123A", 2, 255)}},
			{Number: "536365", PlacedAt: time.Date(2010, 12, 1, 7, 26, 0, 0, time.UTC), Country: "GB", Lines: []order.Line{line("85123A", 6, 255), line("71053", 6, 339)}},
		}
		got := s.ordersOf("17850")
		for i := range got {
			if got[i].ID.IsZero() || got[i].Subject != s.account("17850") {
				t.Errorf("order %d is %s of %s", i, got[i].ID.Token("ord"), got[i].Subject)
			}
			got[i].ID, got[i].Subject = thimble.ID{}, thimble.SubjectID{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
		if owner := s.owner(s.account("17850")); owner != "17850 of GB" {
			t.Errorf("the buyer is %s, want the first order's country", owner)
		}
	})
}

func TestTheSameSourceAgainDoesNothing(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		first := s.imported(collect.File(samplePath), collect.Options{})
		orders, goods := s.everything(), s.catalogue()
		again := s.imported(collect.File(samplePath), collect.Options{BatchOrders: 7})
		if !again.Repeated || again.Resumed || first.Repeated || first.Import != again.Import {
			t.Errorf("got %+v, want the report of the first import, repeated", again)
		}
		if diff := cmp.Diff(first.Counts, again.Counts); diff != "" {
			t.Errorf("the counts differ:\n%s", diff)
		}
		if diff := cmp.Diff(orders, s.everything()) + cmp.Diff(goods, s.catalogue()); diff != "" {
			t.Errorf("the shop has changed:\n%s", diff)
		}
	})
}

func TestKnownOrdersInAnotherFileAreCountedNotDoubled(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		a := `1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`
		b := `2,22752,BLUE MUG,4,2010-12-02,1.00,7,France`
		s.imported(text(a), collect.Options{})
		r := s.imported(text(a, b), collect.Options{})
		if r.Known != 1 || r.Orders != 1 || r.Subjects != 0 || len(s.ordersOf("7")) != 2 {
			t.Errorf("got %+v and %d orders, want one known and one new", r.Counts, len(s.ordersOf("7")))
		}
		if d, err := s.goods.Demand(t.Context(), "22752"); err != nil || len(d) != 2 || d[0].Units != 1 || d[1].Units != 4 {
			t.Errorf("demand is %v, %v", d, err)
		}
	})
}

func TestStrictStopsAtTheFirstBrokenRowAndKeepsEarlierBatches(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		src := text(
			`1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`, `2,22752,BLUE MUG,1,2010-12-01,1.00,7,France`,
			`3,22752,BLUE MUG,1,2010-12-01,1.00,8,France`, `4,22752,BLUE MUG,none,2010-12-01,1.00,8,France`, `5,22752,BLUE MUG,0,2010-12-01,1.00,8,France`,
		)
		r, err := s.imports(src, collect.Options{Strict: true, BatchOrders: 2})
		row, ok := errors.AsType[*collect.RowError](err)
		if !ok || row.Line != 5 || row.Reason != collect.BadQuantity || !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("got %v, want line 5 and its quantity", err)
		}
		if r.Finished || r.Orders != 2 || len(s.everything()) != 2 || r.Rejected != 0 {
			t.Errorf("got %+v, want the first batch only", r)
		}
		// When: the operator gives in.
		r = s.imported(src, collect.Options{BatchOrders: 2})
		if !r.Resumed || r.Orders != 3 || r.Rejected != 2 || len(s.everything()) != 3 {
			t.Errorf("got %+v, want the rest", r)
		}
	})
}

func TestProgressNeverFallsAndEndsAtTheEnd(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		var last collect.Progress
		calls := 0
		r := s.imported(collect.File(samplePath), collect.Options{BatchOrders: 20, Progress: func(p collect.Progress) {
			calls++
			if p.Bytes < last.Bytes || p.Rows <= last.Rows || p.Orders < last.Orders || p.Rejected < last.Rejected || p.Total == 0 {
				t.Errorf("progress went from %+v to %+v", last, p)
			}
			last = p
		}})
		if last.Bytes != last.Total || last.Rows != r.Rows || last.Orders != r.Orders || calls < 5 {
			t.Errorf("after %d calls progress is %+v, the report %+v", calls, last, r.Counts)
		}
	})
}

func TestTwoImportersOfOneSourceDoNotDouble(t *testing.T) {
	want := undisturbed(t)
	sqldbtest.Installations(t, func(t *testing.T, open sqldbtest.Opener) {
		one := newShop(t, open(sqldb.Core), open(sqldb.Keys))
		two := &shop{TB: t, ctx: one.ctx, vault: one.vault}
		two.open(open(sqldb.Core))
		var wg sync.WaitGroup
		for i, s := range []*shop{one, two} {
			wg.Go(func() {
				r, err := s.imports(collect.File(samplePath), collect.Options{BatchOrders: 3 + 4*i})
				if err != nil || !r.Finished {
					t.Errorf("importer %d: %v, finished: %t", i, err, r.Finished)
				}
				if diff := cmp.Diff(want.Counts, r.Counts); diff != "" {
					t.Errorf("importer %d: want (-) and got (+) differ:\n%s", i, diff)
				}
			})
		}
		wg.Wait()
		if diff := cmp.Diff(want.Orders, one.everything()) + cmp.Diff(want.Catalogue, one.catalogue()); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
	})
}

func (s *shop) forget(number string) {
	s.Helper()
	id := s.account(number)
	_, err := s.orders.Erase(s.ctx, id)
	if err == nil {
		_, err = s.people.Erase(s.ctx, id)
	}
	if err == nil {
		_, err = s.vault.Shred(s.ctx, id)
	}
	if err != nil {
		s.Fatal(err)
	}
}

func TestForgottenPeopleStayOut(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		rows := []string{
			`1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`, `2,22752,BLUE MUG,1,2010-12-01,1.00,8,France`,
			`3,99999,RED MUG,1,2010-12-01,1.00,7.0,France`,
		}
		s.imported(text(rows[:2]...), collect.Options{})
		s.forget("7")
		for name, d := range map[string]door{"": nil, "anonymous": {thimble.AccountIdentifier}} {
			s.door = d
			r := s.imported(text(append(rows, name+`9,22752,BLUE MUG,1,2010-12-01,1.00,9,France`)...), collect.Options{})
			if r.Suppressed != 2 || r.Known == 0 || !s.account("7").IsZero() {
				t.Errorf("%q: got %+v, want two suppressed orders", name, r.Counts)
			}
		}
		if got := strings.Join(s.catalogue(), ""); strings.Contains(got, "RED MUG") {
			t.Errorf("what only a forgotten person bought is in the catalogue: %s", got)
		}
		if all := s.everything(); len(all) != 3 {
			t.Errorf("got %d orders, want those of others: %v", len(all), all)
		}
	})
}

func TestWhoIsErasedDuringAnImportStaysErased(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.imported(text(`1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`), collect.Options{})
		// Between looking people up and writing.
		s.inject(hooks{after: sync.OnceFunc(func() { s.forget("7") })})
		r := s.imported(text(`2,22752,BLUE MUG,1,2010-12-01,1.00,7,France`, `3,22752,BLUE MUG,1,2010-12-01,1.00,8,France`), collect.Options{})
		if all := s.everything(); r.Suppressed != 1 || r.Orders != 1 || len(all) != 1 {
			t.Errorf("got %+v and %v, want the other's order only", r.Counts, all)
		}
	})
}

func TestTheDoorDecidesWhatIsWritten(t *testing.T) {
	row := `1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`
	eachShop(t, func(t *testing.T, s *shop) {
		for _, denied := range []thimble.Category{thimble.PurchaseHistory, "broken"} {
			s.door = door{denied}
			r, err := s.imports(text(row), collect.Options{})
			if err == nil || r.Finished || errors.Is(err, thimble.ErrDenied) != (denied != "broken") {
				t.Errorf("%s: got %v", denied, err)
			}
		}
		if all, err := s.store.Imports(t.Context()); err != nil || len(all) != 0 || len(s.everything())+len(s.catalogue()) != 0 {
			t.Errorf("something was written: %v, %v", all, err)
		}
		s.door = door{thimble.AccountIdentifier}
		r := s.imported(text(row), collect.Options{})
		if !s.account("7").IsZero() || r.Guests != 1 || r.Subjects != 0 {
			t.Errorf("without customer numbers: %+v", r.Counts)
		}
		if diff := cmp.Diff([]thimble.Category{thimble.AccountIdentifier}, r.Withheld); diff != "" {
			t.Errorf("want (-) and got (+) differ:\n%s", diff)
		}
		s.door = door{thimble.Country}
		s.imported(text(`2,22752,BLUE MUG,1,2010-12-01,1.00,7,France`), collect.Options{})
		if got := s.ordersOf("7"); len(got) != 1 || got[0].Country != "" || s.owner(got[0].Subject) != "7" {
			t.Errorf("without countries: %v", got)
		}
	})
}

func TestASourceThatChangesWhileItIsReadIsNotFinished(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	opened := 0
	src := text(`1,22752,BLUE MUG,1,2010-12-01,1.00,7,France`)
	first := src.Open
	src.Open = func() (io.ReadCloser, error) {
		if opened++; opened == 1 {
			return first()
		}
		return text(`1,22752,BLUE MUG,2,2010-12-01,1.00,7,France`).Open()
	}
	r, err := s.imports(src, collect.Options{})
	if !errors.Is(err, thimble.ErrInvalid) || r.Finished || r.Orders != 0 {
		t.Errorf("got %v and %+v, want an error and no order", err, r)
	}
}

func TestFilesThatAreNoOrdersLeaveNoTrace(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	for name, src := range map[string]collect.Source{
		"empty":        source(""),
		"no header":    source("1,22752,BLUE MUG,1,2010-12-01,1.00,ada@example.org,France\n"),
		"two columns":  source("InvoiceNo,Order ID,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"),
		"cut gzip":     source("\x1f\x8b\x08\x00"),
		"broken gzip":  source("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
		"UTF-16":       source("\xff\xfeI\x00n\x00v\x00"),
		"broken quote": source("\"InvoiceNo,StockCode\n"),
	} {
		_, err := s.imports(src, collect.Options{})
		if !errors.Is(err, thimble.ErrInvalid) || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := s.imports(source("InvoiceNo,sku,name,qty,date,Price,Customer ID\n"), collect.Options{})
	if err == nil || !strings.Contains(err.Error(), "country|countrycode") || strings.Contains(err.Error(), "quantity") {
		t.Errorf("got %v, want the names of the column that is missing, and of no other", err)
	}
	for _, opt := range []collect.Options{{BatchOrders: -1}, {Currency: "pounds"}, {Currency: "gbp"}} {
		if _, err := s.imports(text(), opt); !errors.Is(err, thimble.ErrInvalid) {
			t.Errorf("%+v: got %v", opt, err)
		}
	}
	gone := errors.New("gone")
	broken := collect.Source{Name: "x", Open: func() (io.ReadCloser, error) { return nil, gone }}
	if _, err := s.imports(broken, collect.Options{}); !errors.Is(err, gone) {
		t.Errorf("got %v, want the cause", err)
	}
	if all, err := s.store.Imports(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d imports were begun, %v", len(all), err)
	}
}

func TestAHeaderWithOtherNamesAndAByteOrderMarkIsUnderstood(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	s.imported(source("\ufeffcountry_code,Order ID,SKU,Title,Qty,created_at,PRICE,account,note\r\n"+
		"FR,ORD-1,shirt-7,Linen shirt,2.0,2011-02-03T04:05:06+01:00,39.9,ada,\"of \"\"linen\"\",\nsoft\"\r\n"), collect.Options{Currency: "EUR"})
	got := s.everything()
	want := map[string]string{"ORD-1": "ada of FR: " + fmt.Sprintf("%+v", order.Order{
		Number: "ORD-1", PlacedAt: time.Date(2011, 2, 3, 3, 5, 6, 0, time.UTC), Country: "FR",
		Lines: []order.Line{{Item: "shirt-7", Units: 2, Price: thimble.Money{Minor: 3990, Currency: "EUR"}}},
	})}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+) differ:\n%s", diff)
	}
}

func TestReportsAndErrorsSayNothingAboutPeople(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	rows := []string{
		`1,22752,Xyzzy MUG,1,2010-12-01,1.00,xyzzy7,Xyzzy`, `2,22752,xyzzy,xyzzy,2010-12-01,1.00,xyzzy8,France`,
		`3,22752,BLUE MUG,1,2010-12-01,1.00,"xyzzy9,France`, `1,22752,BLUE MUG,1,2010-12-01,xyzzy,xyzzy7,Xyzzy`,
		"4,22752,BLUE MUG,1,xyzzy,1.00,xyzzy\u200b,France", `5,22752,BLUE MUG,1,2010-12-01,1.00,xyzzy,France,xyzzy`,
	}
	r := s.imported(text(rows...), collect.Options{})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	said := string(b) + fmt.Sprintf("%+v", r)
	for i := range rows {
		_, err := s.imports(text(rows[i:]...), collect.Options{Strict: true})
		said += fmt.Sprint(err)
	}
	if r.Rejected != 5 || strings.Contains(strings.ToLower(said), "xyzzy") {
		t.Errorf("got %d rejected rows and %s", r.Rejected, said)
	}
}

func TestACallerWhoHangsUpIsToldWhatWasDone(t *testing.T) {
	s := newShop(t, sqldbtest.SQLite(t, sqldb.Core), sqldbtest.SQLite(t, sqldb.Keys))
	ctx, cancel := context.WithCancel(t.Context())
	s.ctx = ctx
	r, err := s.imports(collect.File(samplePath), collect.Options{BatchOrders: 10, Progress: func(collect.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) || r.Orders != 10 || r.Finished {
		t.Errorf("got %v and %+v, want the cancellation after ten orders", err, r.Counts)
	}
}
