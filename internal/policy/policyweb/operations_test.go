package policyweb_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"thimble/internal/api/apitest"
	"thimble/internal/policy"
	"thimble/internal/policy/policydb"
	"thimble/internal/policy/policyweb"
	"thimble/internal/sqldb"
	"thimble/internal/sqldb/sqldbtest"
)

func api(t *testing.T) *apitest.Door {
	t.Helper()
	l, err := policy.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	store, err := policydb.Open(t.Context(), sqldbtest.SQLite(t, sqldb.Core), nil, l, policy.Shop{}, func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return apitest.Open(t, policyweb.Operations(store))
}

func TestTheAPISaysTheLawWithItsSources(t *testing.T) {
	d := api(t)
	var law policyweb.Law
	d.Into(&law, d.Get(apitest.Read, "/v1/policy/law?residence=US-CA&on=2026-11-21"))
	i := slices.IndexFunc(law.Values, func(v policyweb.LawValue) bool { return v.Dimension == "bound" && v.Key == "re_ask" })
	if i < 0 || law.Values[i].Value != "12mo" || !strings.HasPrefix(law.Values[i].Source.Pack, "us.ca.ccpa@") || law.Values[i].Source.Cite == "" ||
		len(law.Values[i].Over) != 1 || !strings.Contains(law.Values[i].Over[0], "6mo (house@") {
		t.Errorf("how long a refusal is left alone: %+v", law.Values[max(i, 0)])
	}
	if law.On != "2026-11-21" || law.Residence != "US-CA" || len(law.Digest) != 16 || !strings.Contains(law.Advice, "not legal advice") {
		t.Errorf("%+v", law)
	}
	if !slices.ContainsFunc(law.Values, func(v policyweb.LawValue) bool { return v.Source.Verify }) {
		t.Error("no value says that it was not checked")
	}
	d.Into(&law, d.Get(apitest.Read, "/v1/policy/law"))
	if law.On != "2026-11-21" || !slices.ContainsFunc(law.Packs, func(p policyweb.LawPack) bool { return p.Why == "residence unknown" }) {
		t.Errorf("nobody knows where, today: %s %+v", law.On, law.Packs)
	}
	d.Into(&law, d.Get(apitest.Read, "/v1/policy/law?residence=DE&establishment=DE&facts=marketplace%3D1"))
	if !slices.ContainsFunc(law.Packs, func(p policyweb.LawPack) bool { return strings.HasPrefix(p.Pack, "eu.dsa@") }) {
		t.Errorf("a marketplace in Germany: %+v", law.Packs)
	}
}

func TestTheAPIRefusesWhatItCannotRead(t *testing.T) {
	d := api(t)
	for query, field := range map[string]string{
		"residence=Berlin": "query.residence", "residence=de": "query.residence", "on=today": "query.on", "on=2026-13-1": "query.on",
		"establishment=here": "query.establishment", "facts=marketplace": "query.facts",
	} {
		d.Refuses(d.Get(apitest.Read, "/v1/policy/law?"+query), http.StatusUnprocessableEntity, "invalid", field)
	}
	d.Refuses(d.Get(apitest.None, "/v1/policy/law"), http.StatusUnauthorized, "key-missing", "")
}

func TestTheAPIListsThePacks(t *testing.T) {
	d := api(t)
	var all policyweb.Packs
	d.Into(&all, d.Get(apitest.Read, "/v1/policy/packs"))
	if len(all.Packs) < 70 {
		t.Fatalf("%d packs", len(all.Packs))
	}
	for _, p := range all.Packs {
		if p.Ref == "" || p.Trust != "shipped" || len(p.Hash) != 64 || p.Values == 0 {
			t.Errorf("%+v", p)
		}
	}
}
