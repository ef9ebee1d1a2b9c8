package iab_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"thimble/internal/consent/iab"
	"thimble/internal/consent/iab/gpp"
	"thimble/internal/consent/iab/tcf"
)

// instant is how the reference packages print a time.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func sorted(s iab.Set) []int { return s.IDs() }

func vendors(all []iab.Range) []int {
	ids := []int{}
	for _, r := range all {
		for id := r.First; id <= r.Last; id++ {
			ids = append(ids, id)
		}
	}
	return ids
}

func bits(v uint64) []int {
	all := []int{}
	for n := 1; n <= 63; n++ {
		if v>>(n-1)&1 == 1 {
			all = append(all, n)
		}
	}
	return all
}

// tcFields are a TC string in the words of @iabtcf/core.
func tcFields(s *tcf.String) map[string]any {
	p := tcf.Publisher{}
	if s.Publisher != nil {
		p = *s.Publisher
	}
	restrictions := []any{}
	for _, r := range s.Restrictions {
		restrictions = append(restrictions, map[string]any{"purposeId": r.Purpose, "restrictionType": r.Type, "vendors": vendors(r.Vendors)})
	}
	return plain(map[string]any{
		"version": tcf.Version, "created": instant(s.Created), "lastUpdated": instant(s.Updated),
		"cmpId": s.CMP, "cmpVersion": s.CMPVersion, "consentScreen": s.Screen, "consentLanguage": string(s.Language[:]),
		"vendorListVersion": s.VendorList, "policyVersion": s.Policy, "isServiceSpecific": s.ServiceSpecific,
		"useNonStandardStacks": s.NonStandard, "specialFeatureOptins": s.SpecialFeatures.Numbers(), "purposeConsents": s.Consents.Numbers(),
		"purposeLegitimateInterests": s.Interests.Numbers(), "purposeOneTreatment": s.PurposeOne, "publisherCountryCode": string(s.Country[:]),
		"vendorConsents": sorted(s.VendorConsents), "vendorLegitimateInterests": sorted(s.VendorInterests),
		"vendorsDisclosed": sorted(s.Disclosed), "vendorsAllowed": sorted(s.Allowed), "publisherRestrictions": restrictions,
		"publisherConsents": p.Consents.Numbers(), "publisherLegitimateInterests": p.Interests.Numbers(), "numCustomPurposes": p.Custom,
		"publisherCustomConsents": bits(p.CustomConsents), "publisherCustomLegitimateInterests": bits(p.CustomInterests),
	})
}

func booleans(v uint64, n int) []bool {
	all := make([]bool, n)
	for i := range all {
		all[i] = v>>i&1 == 1
	}
	return all
}

func entries(all []tcf.Restriction) []any {
	out := []any{}
	for _, r := range all {
		out = append(out, map[string]any{"key": r.Purpose, "type": r.Type, "ids": vendors(r.Vendors)})
	}
	return out
}

func publisher(p *tcf.Publisher) tcf.Publisher {
	if p == nil {
		return tcf.Publisher{}
	}
	return *p
}

// gppFields are a GPP string in the words of @iabgpp/cmpapi.
func gppFields(s *gpp.String) map[string]any {
	ids, sections := []int{}, map[string]any{}
	for i := range s.Sections {
		one := &s.Sections[i]
		ids = append(ids, one.ID)
		switch {
		case one.EU != nil:
			sections["tcfeuv2"] = euFields(one.EU)
		case one.Canada != nil:
			sections["tcfcav1"] = caFields(one.Canada)
		case one.USP != nil:
			sections["uspv1"] = map[string]any{"Version": 1, "Notice": string(one.USP.Notice), "OptOutSale": string(one.USP.OptOutSale), "LspaCovered": string(one.USP.Covered)}
		default:
			sections[one.US.Layout.Name] = usFields(one.US)
		}
	}
	return plain(map[string]any{"sectionIds": ids, "sections": sections})
}

func euFields(s *tcf.String) map[string]any {
	p := publisher(s.Publisher)
	return map[string]any{
		"Version": 2, "Created": instant(s.Created), "LastUpdated": instant(s.Updated), "CmpId": s.CMP, "CmpVersion": s.CMPVersion,
		"ConsentScreen": s.Screen, "ConsentLanguage": string(s.Language[:]), "VendorListVersion": s.VendorList, "PolicyVersion": s.Policy,
		"IsServiceSpecific": s.ServiceSpecific, "UseNonStandardStacks": s.NonStandard,
		"SpecialFeatureOptins": booleans(uint64(s.SpecialFeatures), 12), "PurposeConsents": booleans(uint64(s.Consents), 24),
		"PurposeLegitimateInterests": booleans(uint64(s.Interests), 24), "PurposeOneTreatment": s.PurposeOne,
		"PublisherCountryCode": string(s.Country[:]), "VendorConsents": sorted(s.VendorConsents), "VendorLegitimateInterests": sorted(s.VendorInterests),
		"PublisherRestrictions": entries(s.Restrictions), "PublisherPurposesSegmentType": 3, "VendorsAllowedSegmentType": 2, "VendorsDisclosedSegmentType": 1,
		"PublisherConsents": booleans(uint64(p.Consents), 24), "PublisherLegitimateInterests": booleans(uint64(p.Interests), 24),
		"NumCustomPurposes": p.Custom, "PublisherCustomConsents": booleans(p.CustomConsents, p.Custom),
		"PublisherCustomLegitimateInterests": booleans(p.CustomInterests, p.Custom), "VendorsAllowed": sorted(s.Allowed), "VendorsDisclosed": sorted(s.Disclosed),
	}
}

func caFields(s *tcf.Canada) map[string]any {
	p := publisher(s.Publisher)
	return map[string]any{
		"Version": 1, "Created": instant(s.Created), "LastUpdated": instant(s.Updated), "CmpId": s.CMP, "CmpVersion": s.CMPVersion,
		"ConsentScreen": s.Screen, "ConsentLanguage": string(s.Language[:]), "VendorListVersion": s.VendorList, "TcfPolicyVersion": s.Policy,
		"UseNonStandardStacks": s.NonStandard, "SpecialFeatureExpressConsent": booleans(uint64(s.SpecialFeatures), 12),
		"PurposesExpressConsent": booleans(uint64(s.Express), 24), "PurposesImpliedConsent": booleans(uint64(s.Implied), 24),
		"VendorExpressConsent": sorted(s.VendorExpress), "VendorImpliedConsent": sorted(s.VendorImplied), "PubRestrictions": entries(s.Restrictions),
		"PubPurposesSegmentType": 3, "PubPurposesExpressConsent": booleans(uint64(p.Consents), 24), "PubPurposesImpliedConsent": booleans(uint64(p.Interests), 24),
		"NumCustomPurposes": p.Custom, "CustomPurposesExpressConsent": booleans(p.CustomConsents, p.Custom),
		"CustomPurposesImpliedConsent": booleans(p.CustomInterests, p.Custom), "DisclosedVendorsSegmentType": 1, "DisclosedVendors": sorted(s.Disclosed),
	}
}

func usFields(u *gpp.US) map[string]any {
	version := "Version"
	if u.Layout.MSPA {
		version = "MspaVersion"
	}
	out := map[string]any{version: u.Version}
	value := func(v []byte, list bool) any {
		if !list {
			return int(v[0])
		}
		all := make([]int, len(v))
		for i, x := range v {
			all[i] = int(x)
		}
		return all
	}
	for _, f := range u.Layout.Fields {
		out[f.Name] = value(u.Get(f.Name), f.N > 1)
	}
	switch u.Layout.Sub {
	case gpp.GPC:
		out["GpcSegmentType"], out["Gpc"] = 1, u.GPC
	case gpp.Sensitive:
		out["SensitiveDataProcessing"] = value(u.Sensitive[:], true)
	}
	return out
}

// plain makes of a value what reading its JSON would.
func plain(v map[string]any) (out map[string]any) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

type vector struct {
	Kind, String, Source string
	Valid                bool
	Expected             map[string]any
}

func published(t testing.TB) (all []vector) {
	t.Helper()
	f, err := os.ReadFile("testdata/vectors.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if lines.Err() != nil || len(all) != 32 {
		t.Fatalf("%d vectors, %v, want 32", len(all), lines.Err())
	}
	return all
}

func decoded(kind, s string) (map[string]any, string, error) {
	if kind == "tcf" {
		v, err := tcf.Decode(s)
		if err != nil {
			return nil, "", err
		}
		again, err := v.Encode()
		return tcFields(v), again, err
	}
	v, err := gpp.Decode(s)
	if err != nil {
		return nil, "", err
	}
	again, err := v.Encode()
	return gppFields(v), again, err
}

func TestPublishedStringsAreReadAsTheReferenceReadsThem(t *testing.T) {
	for i, v := range published(t) {
		got, again, err := decoded(v.Kind, v.String)
		if (err == nil) != v.Valid {
			t.Errorf("vector %d (%s, %s): %v, want valid %t", i+1, v.Kind, v.Source, err, v.Valid)
			continue
		}
		if err != nil {
			t.Logf("vector %d is refused: %v", i+1, err)
			continue
		}
		delete(v.Expected, "reencoded") // the reference keeps the string it was given
		all := maps.Clone(got)
		if v.Kind == "tcf" {
			for k := range got { // the vectors lack some fields
				if _, asked := v.Expected[k]; !asked {
					delete(got, k)
				}
			}
		}
		if diff := cmp.Diff(v.Expected, got); diff != "" {
			t.Errorf("vector %d (%s): the reference (-) and ours (+):\n%s", i+1, v.Kind, diff)
		}
		if twice, _, err := decoded(v.Kind, again); err != nil || !cmp.Equal(twice, all) {
			t.Errorf("vector %d is written as another string: %v", i+1, err)
		}
	}
}
