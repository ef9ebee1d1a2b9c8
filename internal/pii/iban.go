package pii

// lengths are those of IBANs by country (ISO 13616, the registry of SWIFT).
var lengths = func() map[[2]byte]int {
	all := map[[2]byte]int{}
	const registry = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22" +
		"GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27" +
		"MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"
	for i := 0; i < len(registry); i += 4 {
		all[[2]byte{registry[i], registry[i+1]}] = int(registry[i+2]-'0')*10 + int(registry[i+3]-'0')
	}
	return all
}()

// iban looks for an account number whose word begins at w: two letters, two digits
// and the rest, in one piece or with single blanks or hyphens.
func (sc *scanner) iban(w int) int {
	s := sc.s
	want := lengths[[2]byte{upper(s[w]), upper(s[w+1])}]
	if want == 0 {
		return 0
	}
	var compact [34]byte
	n, i := 0, w
	for i < len(s) && n < want {
		switch {
		case class[s[i]]&(isDigit|isLetter) != 0:
			compact[n] = upper(s[i])
			n++
		case (s[i] == ' ' || s[i] == '-') && i > w+3 && class[s[i-1]]&(isDigit|isLetter) != 0:
		default:
			return 0
		}
		i++
	}
	if n < want || !sc.ends(i) || !mod97(compact[:n]) {
		return 0
	}
	return sc.found(w, i, IBAN, "iban")
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 0x20
	}
	return c
}

// mod97 checks an IBAN in one piece (ISO/IEC 7064, MOD 97-10): the first four
// characters move to the end, letters are 10 to 35, and the rest must be 1.
func mod97(iban []byte) bool {
	rest := 0
	for i := range iban {
		c := iban[(i+4)%len(iban)]
		if class[c]&isDigit != 0 {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
