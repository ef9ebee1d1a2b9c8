package pii

// A form is how one state writes its number: the sizes of the groups of digits, the
// separators between them, and a check.
type form struct {
	rule  string
	shape string // "3-2-4"; "~" stands for a blank, a hyphen or a dot; "9" is one group
	check func([]byte) bool
	words []string // one of them must stand before it, where the form is a common one
}

var (
	taxWords  = []string{"steuer", "tax", "id", "idnr", "tin"}
	ssnWords  = []string{"ssn", "social", "soc sec"}
	bsnWords  = []string{"bsn", "burgerservice", "sofi"}
	nhsWords  = []string{"nhs"}
	sinWords  = []string{"sin ", "sin:", "social ins", "nas ", "nas:"}
	tfnWords  = []string{"tfn", "tax file"}
	svnrWords = []string{"svnr", "sozialversicherung", "sv-nummer", "versicherungsnummer"}
	nifWords  = []string{"nif ", "nif:", "contribuinte"}
	pnrWords  = []string{"personnummer", "personnr", "pnr"}
	cprWords  = []string{"cpr"}
	aadhaar   = []string{"aadhaar", "aadhar", "uid"}
)

var forms = [...]form{
	{"us.ssn", "3-2-4", isSSN, nil},
	{"us.ssn", "3 2 4", isSSN, ssnWords},
	{"us.ssn", "9", isSSN, ssnWords},
	{"us.itin", "3-2-4", isITIN, nil},
	{"de.steuer_id", "11", isSteuerID, nil},
	{"de.steuer_id", "2~3~3~3", isSteuerID, nil},
	{"pl.pesel", "11", isPESEL, nil},
	{"no.fnr", "11", isFNR, nil},
	{"no.fnr", "6~5", isFNR, nil},
	{"be.nrn", "2.2.2-3.2", isNRN, nil},
	{"be.nrn", "11", isNRN, nil},
	{"br.cpf", "3.3.3-2", isCPF, nil},
	{"br.cpf", "11", isCPF, nil},
	{"fr.nir", "15", isNIR, nil},
	{"fr.nir", "1~2~2~2~3~3~2", isNIR, nil},
	{"ch.ahv", "3.4.4.2", isAHV, nil},
	{"ch.ahv", "13", isAHV, nil},
	{"cn.resident", "18", isResident, nil},
	{"in.aadhaar", "4~4~4", isAadhaar, nil},
	{"in.aadhaar", "12", isAadhaar, aadhaar},
	{"se.personnummer", "6-4", isPersonnummer, nil},
	{"se.personnummer", "8-4", isPersonnummer, nil},
	{"se.personnummer", "12", isPersonnummer, nil},
	{"se.personnummer", "10", isPersonnummer, pnrWords},
	{"dk.cpr", "6-4", isCPR, nil},
	{"dk.cpr", "10", isCPR, cprWords},
	{"nl.bsn", "9", isBSN, bsnWords},
	{"uk.nhs", "10", isNHS, nhsWords},
	{"uk.nhs", "3~3~4", isNHS, nhsWords},
	{"ca.sin", "9", isSIN, sinWords},
	{"ca.sin", "3~3~3", isSIN, sinWords},
	{"au.tfn", "9", isTFN, tfnWords},
	{"au.tfn", "3~3~3", isTFN, tfnWords},
	{"at.svnr", "10", isSVNR, svnrWords},
	{"at.svnr", "4~6", isSVNR, svnrWords},
	{"pt.nif", "9", isNIF, nifWords},
	{"pt.nif", "3~3~3", isNIF, nifWords},
}

// byDigits are the forms by how many digits they have.
var byDigits = func() (t [20][]form) {
	for _, f := range forms {
		n := f.digits()
		t[n] = append(t[n], f)
	}
	return t
}()

func (f form) digits() (n int) {
	size := 0
	for i := range len(f.shape) {
		if c := f.shape[i]; class[c]&isDigit != 0 {
			size = size*10 + int(c-'0')
		} else {
			n, size = n+size, 0
		}
	}
	return n + size
}

// fits reports whether the first k groups have the shape.
func (f form) fits(r *run, k int) bool {
	g, size := 0, 0
	for i := 0; i <= len(f.shape); i++ {
		if i < len(f.shape) && class[f.shape[i]]&isDigit != 0 {
			size = size*10 + int(f.shape[i]-'0')
			continue
		}
		if g >= k || r.size(g) != size || g > 0 && !sameSeparator(f.shape, i, r.sep[g]) {
			return false
		}
		g, size = g+1, 0
	}
	return g == k
}

// sameSeparator compares the separator before the group that ends at i in the shape.
func sameSeparator(shape string, i int, got byte) bool {
	for i--; class[shape[i]]&isDigit != 0; i-- {
	}
	if shape[i] == '~' {
		return got == ' ' || got == '-' || got == '.'
	}
	return got == shape[i]
}

// national looks for the number of a state, the longest first.
func (sc *scanner) national() int {
	r := &sc.r
	for k := min(r.groups, 7); k > 0; k-- {
		n := r.count[k]
		if n < 9 || n >= len(byDigits) || !sc.alone(r.start[0], r.end[k-1]) {
			continue
		}
		for _, f := range byDigits[n] {
			if f.fits(r, k) && f.check(r.first(k)) && (f.words == nil || sc.says(f.words, r.start[0])) {
				// Eleven digits that begin with 1 are a telephone number in North America
				// more often than anything else.
				if n == 11 && k == 1 && r.digits[0] == 1 && northAmerican(r.digits[1:11]) && !sc.says(taxWords, r.start[0]) {
					continue
				}
				return sc.found(r.start[0], r.end[k-1], NationalID, f.rule)
			}
		}
	}
	return 0
}
