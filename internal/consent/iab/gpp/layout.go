package gpp

import "fmt"

// A Field is a run of values of two bits each: 0 does not apply; the others depend
// on the field, most often 1 yes or opted out and 2 no or did not opt out.
type Field struct {
	Name string
	N    int
}

// A Sub says which sub-section may follow the core.
type Sub int

// The sub-sections.
const (
	NoSub Sub = iota
	// GPC: two bits of type 1, then whether Global Privacy Control was on.
	GPC
	// Sensitive: eight values of SensitiveDataProcessing.
	Sensitive
)

// A Layout is the form of one section of the US in one version. Six bits of
// version come first.
type Layout struct {
	ID      int
	Name    string
	Version int
	// MSPA says that the version is called MspaVersion.
	MSPA   bool
	Fields []Field
	Sub    Sub
}

// The ids of sections that are not of the US table.
const (
	TCFEU = 2
	TCFCA = 5
	USP   = 6
	first = 7
	last  = 27
)

// The fields by which people opt out, and the others that say no.
const (
	SaleOptOut       = "SaleOptOut"
	SharingOptOut    = "SharingOptOut"
	TargetedOptOut   = "TargetedAdvertisingOptOut"
	KnownChild       = "KnownChildSensitiveDataConsents"
	PersonalData     = "PersonalDataConsents"
	AdditionalData   = "AdditionalDataProcessingConsent"
	SensitiveData    = "SensitiveDataProcessing"
	processingNotice = "ProcessingNotice"
	sharingNotice    = "SharingNotice"
	saleNotice       = "SaleOptOutNotice"
	sharingOutNotice = "SharingOptOutNotice"
	targetedNotice   = "TargetedAdvertisingOptOutNotice"
	sensitiveNotice  = "SensitiveDataProcessingOptOutNotice"
	sensitiveOut     = "SensitiveDataOptOutNotice"
	limitNotice      = "SensitiveDataLimitUseNotice"
	mspaCovered      = "MspaCoveredTransaction"
	mspaOptOut       = "MspaOptOutOptionMode"
	mspaProvider     = "MspaServiceProviderMode"
	mspaMode         = "MspaMode"
)

// one are fields of one value each.
func one(names ...string) (all []Field) {
	for _, n := range names {
		all = append(all, Field{n, 1})
	}
	return all
}

// join puts runs of fields together.
func join(runs ...[]Field) (all []Field) {
	for _, r := range runs {
		all = append(all, r...)
	}
	return all
}

func many(name string, n int) []Field { return []Field{{name, n}} }

var mspa = one(mspaCovered, mspaOptOut, mspaProvider)

// national is section 7; its versions differ in how many kinds of sensitive data
// and of ages they know.
func national(version, sensitive, ages int) Layout {
	return Layout{ID: 7, Name: "usnat", Version: version, Sub: GPC, Fields: join(
		one(sharingNotice, saleNotice, sharingOutNotice, targetedNotice, sensitiveNotice, limitNotice, SaleOptOut, SharingOptOut, TargetedOptOut),
		many(SensitiveData, sensitive), many(KnownChild, ages), one(PersonalData), mspa)}
}

// state is the form most states have: a notice, three opt-outs, the sensitive data
// the state's law lists, the ages it tells apart.
func state(id int, name, notice string, sensitive, ages int, additional bool, sub Sub) Layout {
	l := Layout{ID: id, Name: name, Version: 1, Sub: sub, Fields: join(
		one(notice, saleNotice, targetedNotice, SaleOptOut, TargetedOptOut), many(SensitiveData, sensitive), many(KnownChild, ages))}
	if additional {
		l.Fields = append(l.Fields, one(AdditionalData)...)
	}
	l.Fields = append(l.Fields, mspa...)
	return l
}

// late is the form of the states that came in 2025: the MSPA first, sensitive data
// apart.
func late(id int, name string, child bool, sub Sub) Layout {
	l := Layout{ID: id, Name: name, Version: 1, MSPA: true, Sub: sub,
		Fields: one(mspaCovered, mspaMode, processingNotice, saleNotice, targetedNotice, SaleOptOut, TargetedOptOut)}
	if child {
		l.Fields = append(l.Fields, Field{KnownChild, 1})
	}
	l.Fields = append(l.Fields, Field{AdditionalData, 1})
	return l
}

// Layouts are the sections of the US: the newest version of an id stands last.
var Layouts = []Layout{
	national(1, 12, 2),
	national(2, 16, 3),
	{ID: 8, Name: "usca", Version: 1, Sub: GPC, Fields: join(
		one(saleNotice, sharingOutNotice, limitNotice, SaleOptOut, SharingOptOut), many(SensitiveData, 9), many(KnownChild, 2), one(PersonalData), mspa)},
	state(9, "usva", sharingNotice, 8, 1, false, NoSub),
	state(10, "usco", sharingNotice, 7, 1, false, GPC),
	{ID: 11, Name: "usut", Version: 1, Fields: join(
		one(sharingNotice, saleNotice, targetedNotice, sensitiveNotice, SaleOptOut, TargetedOptOut), many(SensitiveData, 8), many(KnownChild, 1), mspa)},
	state(12, "usct", sharingNotice, 8, 3, false, GPC),
	state(13, "usfl", processingNotice, 8, 3, true, NoSub),
	state(14, "usmt", sharingNotice, 8, 3, true, GPC),
	state(15, "usor", processingNotice, 11, 3, true, GPC),
	state(16, "ustx", processingNotice, 8, 1, true, GPC),
	state(17, "usde", processingNotice, 9, 5, true, GPC),
	{ID: 18, Name: "usia", Version: 1, Sub: GPC, Fields: join(
		one(processingNotice, saleNotice, targetedNotice, sensitiveOut, SaleOptOut, TargetedOptOut), many(SensitiveData, 8), many(KnownChild, 1), mspa)},
	state(19, "usne", processingNotice, 8, 1, true, GPC),
	state(20, "usnh", processingNotice, 8, 3, true, GPC),
	state(21, "usnj", processingNotice, 10, 5, true, GPC),
	state(22, "ustn", processingNotice, 8, 1, true, GPC),
	state(23, "usmn", processingNotice, 8, 1, true, GPC),
	late(24, "usmd", false, GPC),
	late(25, "usin", true, Sensitive),
	late(26, "usky", true, Sensitive),
	late(27, "usri", true, Sensitive),
}

// newest and oldest are the layouts of each id.
var newest, oldest = func() (n, o [last + 1]*Layout) {
	for i := range Layouts {
		l := &Layouts[i]
		n[l.ID] = l
		if o[l.ID] == nil {
			o[l.ID] = l
		}
		if size := l.size(); size > maxValues {
			panic(fmt.Sprintf("gpp: %s has %d values", l.Name, size)) // the table is wrong
		}
	}
	return n, o
}()

// layoutOf returns the layout of a version, the newest for one that is unknown.
func layoutOf(id, version int) (l *Layout, known bool) {
	if o := oldest[id]; o.Version == version {
		return o, true
	}
	return newest[id], newest[id].Version == version
}

// size is how many values the core has.
func (l *Layout) size() (n int) {
	for _, f := range l.Fields {
		n += f.N
	}
	return n
}

// Name returns the registry's name of a section id, "" for an id that is none.
func Name(id int) string {
	switch id {
	case 1:
		return "tcfeuv1"
	case TCFEU:
		return "tcfeuv2"
	case 3:
		return "header"
	case 4:
		return "signal integrity"
	case TCFCA:
		return "tcfcav1"
	case USP:
		return "uspv1"
	}
	if id >= first && id <= last {
		return newest[id].Name
	}
	return ""
}
