package pii

// weighed returns the sum of digits times weights.
func weighed(d []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(d[i]) * w
	}
	return sum
}

// born reports whether a month and a day exist in some year.
func born(month, day int) bool {
	return month >= 1 && month <= 12 && day >= 1 && (day <= 29 || day == 30 && month != 2 || day == 31 && (month%2 == 1) == (month < 8))
}

// two reads two digits.
func two(d []byte, at int) int { return int(d[at])*10 + int(d[at+1]) }

func alike(d []byte) bool {
	for _, x := range d {
		if x != d[0] {
			return false
		}
	}
	return true
}

// isSSN knows what the Social Security Administration never gives: area 000, 666 and
// from 900 on, group 00, serial 0000. There is no check digit.
func isSSN(d []byte) bool {
	area := value(d[:3])
	return area != 0 && area != 666 && area < 900 && two(d, 3) != 0 && value(d[5:9]) != 0
}

// isITIN: from 900 on, with groups that the IRS gives.
func isITIN(d []byte) bool {
	g := two(d, 3)
	return d[0] == 9 && (g >= 50 && g <= 65 || g >= 70 && g <= 88 || g >= 90 && g <= 92 || g >= 94)
}

// isSteuerID: ISO/IEC 7064 MOD 11,10; of the first ten digits one comes twice or
// three times, and the others once (§ 139b AO, rules of the Bundeszentralamt).
func isSteuerID(d []byte) bool {
	var times [10]int
	for _, x := range d[:10] {
		times[x]++
	}
	repeated := 0
	for _, n := range times {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	product := 10
	for _, x := range d[:10] {
		sum := (int(x) + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = sum * 2 % 11
	}
	return d[0] != 0 && repeated == 1 && (11-product)%10 == int(d[10])
}

// isPESEL: the month carries the century.
func isPESEL(d []byte) bool {
	return born(two(d, 2)%20, two(d, 4)) && weighed(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

// isFNR: Norwegian, with a D number's day above 40.
func isFNR(d []byte) bool {
	return born(two(d, 2), two(d, 0)%40) && weighed(d, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && weighed(d, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isNRN: Belgian, 97 minus the rest, with a 2 before it for those born from 2000 on.
func isNRN(d []byte) bool {
	v, key := value(d[:9]), two(d, 9)
	return born(two(d, 2)%20, two(d, 4)) && (97-v%97 == key || 97-(2_000_000_000+v)%97 == key)
}

// isCPF: Brazilian, two check digits.
func isCPF(d []byte) bool {
	check := func(n int) int {
		sum := 0
		for i := range n {
			sum += int(d[i]) * (n + 1 - i)
		}
		return sum * 10 % 11 % 10
	}
	return !alike(d) && check(9) == int(d[9]) && check(10) == int(d[10])
}

// isNIR: French; a month from 20 on says that the true one is not known. Corsica's
// letters are not read.
func isNIR(d []byte) bool {
	month := two(d, 3)
	return (d[0] == 1 || d[0] == 2) && (month >= 1 && month <= 12 || month >= 20) && 97-value(d[:13])%97 == two(d, 13)
}

// isAHV: Swiss, an EAN-13 that begins with 756.
func isAHV(d []byte) bool {
	return value(d[:3]) == 756 && weighed(d, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

// isResident: Chinese, ISO/IEC 7064 MOD 11-2; one that ends in X is found as a word.
func isResident(d []byte) bool { return resident(d[:17]) == int(d[17]) }

func resident(d []byte) int {
	if y := value(d[6:10]); y < 1900 || y > 2099 || !born(two(d, 10), two(d, 12)) || d[0] == 0 {
		return -1
	}
	sum := 0
	for i, x := range d {
		sum += int(x) * ((1 << (17 - i)) % 11)
	}
	return (12 - sum%11) % 11
}

// The tables of Verhoeff's check: the dihedral group of ten and a permutation.
var (
	dihedral = [10][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
		{4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
		{8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	}
	permuted = [10]byte{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
)

// isAadhaar: Indian, Verhoeff's check; 0 and 1 never come first.
func isAadhaar(d []byte) bool {
	var sum byte
	for i := range d {
		x := d[len(d)-1-i]
		for range i % 8 {
			x = permuted[x]
		}
		sum = dihedral[sum][x]
	}
	return d[0] >= 2 && sum == 0
}

// isPersonnummer: Swedish, of ten or twelve digits; a coordination number's day is
// above 60.
func isPersonnummer(d []byte) bool {
	if len(d) == 12 {
		if c := two(d, 0); c != 19 && c != 20 {
			return false
		}
		d = d[2:]
	}
	return born(two(d, 2), two(d, 4)%60) && luhn(d)
}

// isCPR: Danish; since 2007 the check digit need not be right.
func isCPR(d []byte) bool { return born(two(d, 2), two(d, 0)) }

// isBSN: Dutch, the test of eleven.
func isBSN(d []byte) bool { return !alike(d) && weighed(d, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 }

// isNHS: British, modulus 11.
func isNHS(d []byte) bool {
	return !alike(d) && weighed(d, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isSIN: Canadian.
func isSIN(d []byte) bool { return d[0] != 8 && luhn(d) }

// isTFN: Australian.
func isTFN(d []byte) bool { return !alike(d) && weighed(d, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 }

// isSVNR: Austrian; the check digit is the fourth.
func isSVNR(d []byte) bool {
	return d[0] != 0 && born(two(d, 6), two(d, 4)) && weighed(d, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == int(d[3])
}

// isNIF: Portuguese.
func isNIF(d []byte) bool {
	check := 11 - weighed(d, 9, 8, 7, 6, 5, 4, 3, 2)%11
	if check >= 10 {
		check = 0
	}
	return d[0] != 0 && check == int(d[8])
}
