package datamap

import (
	"io"
	"slices"
	"strings"

	"thimble"
)

// The map in the terms of the Data Privacy Vocabulary 2.3 (W3C DPVCG). Our own
// keys are fragments of the document itself, so that no name of theirs is claimed.
const (
	dpvNamespace = "https://w3id.org/dpv#"
	dctNamespace = "http://purl.org/dc/terms/"
)

// A node is an object of JSON-LD.
type node map[string]any

func ref(id string) node { return node{"@id": id} }

// WriteDPV writes a map as JSON-LD in the terms of DPV: one process for each
// personal field.
func WriteDPV(w io.Writer, all []Table) error {
	entries := Entries(all)
	processes := make([]node, len(entries))
	graph := []node{nil}
	graph = append(graph, parties(entries)...)
	graph = append(graph, dpvCategories(entries)...)
	graph = append(graph, dpvPurposes(entries)...)
	named := map[string]bool{}
	for i, e := range entries {
		id := "#field-" + e.Name()
		if named[id] { // of a column that holds several categories
			id += "-" + string(e.Category)
		}
		named[id] = true
		processes[i] = ref(id)
		graph = append(graph, process(id, e))
	}
	graph[0] = node{
		"@id": "#datamap", "@type": []string{"dpv:DataProcessingRecord", "dpv:RecordsOfActivities"},
		"dct:title": "Data map", "dct:description": "Every field that holds something about people. Taxonomy: " + Credit,
		"dpv:hasDataController": ref("#controller"), "dpv:hasPersonalDataProcess": processes,
	}
	return writeJSON(w, node{
		"@context": node{"dpv": dpvNamespace, "dct": dctNamespace},
		"@graph":   graph,
	})
}

func parties(entries []Entry) (nodes []node) {
	people := map[string]bool{}
	for _, e := range entries {
		for _, p := range e.People {
			people[p] = true
		}
	}
	nodes = append(nodes, node{"@id": "#controller", "@type": "dpv:DataController", "dct:title": Operator})
	for _, p := range sorted(people) {
		term, _ := find(People(), p)
		kind := []string{"dpv:DataSubject"}
		if p == "customer" {
			kind = append(kind, "dpv:Customer")
		}
		nodes = append(nodes, node{"@id": "#people-" + p, "@type": kind, "dct:title": term.Name})
	}
	return nodes
}

func sorted[K ~string](set map[K]bool) (keys []K) {
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func dpvCategories(entries []Entry) (nodes []node) {
	used := map[thimble.Category]bool{}
	for _, e := range entries {
		used[e.Category] = true
	}
	for _, c := range sorted(used) {
		term, _ := CategoryOf(c)
		kind := []string{"dpv:PersonalData"}
		switch {
		case c.Within(thimble.Pseudonym):
			kind = append(kind, "dpv:PseudonymisedData")
		case c.Within("user.contact") && c != thimble.Country, c.Within("user.account"), c.Within("user.name"):
			kind = append(kind, "dpv:IdentifyingPersonalData")
		}
		if risk(c) == HighRisk {
			kind = append(kind, "dpv:SensitivePersonalData")
		}
		nodes = append(nodes, node{
			"@id": "#category-" + term.Key, "@type": kind, "dct:identifier": term.Key, "dct:title": term.Name, "dct:description": term.Description,
		})
	}
	return nodes
}

// dpvPurpose is the narrowest purpose of DPV that ours is a part of. The longest
// key comes first.
var dpvPurpose = []struct {
	purpose thimble.Purpose
	term    string
}{
	{"essential.service.operations.support", "dpv:CustomerCare"},
	{"essential.fraud_detection", "dpv:FraudPreventionAndDetection"},
	{"essential.legal_obligation", "dpv:LegalCompliance"},
	{"essential.service.security", "dpv:EnforceSecurity"},
	{"essential.service", "dpv:ServiceProvision"},
	{"marketing.advertising", "dpv:Advertising"},
	{"marketing", "dpv:Marketing"},
	{"personalize.content.profiled", "dpv:ProvidePersonalisedRecommendations"},
	{"personalize", "dpv:ServicePersonalisation"},
	{"train_ai_system", "dpv:ImproveExistingProductsAndServices"},
}

func dpvPurposes(entries []Entry) (nodes []node) {
	used := map[thimble.Purpose]bool{}
	for _, e := range entries {
		for _, p := range e.Purposes {
			used[p] = true
		}
	}
	for _, p := range sorted(used) {
		term, _ := PurposeOf(p)
		kind := "dpv:Purpose"
		for _, m := range dpvPurpose {
			if p.Within(m.purpose) {
				kind = m.term
				break
			}
		}
		nodes = append(nodes, node{
			"@id": "#purpose-" + term.Key, "@type": []string{kind}, "dct:identifier": term.Key, "dct:title": term.Name, "dct:description": term.Description,
		})
	}
	return nodes
}

var dpvMeasures = map[Measure][]string{
	SealedByKey:   {"dpv:SymmetricEncryption", "dpv:EncryptionAtRest"},
	OpenedByGrant: {"dpv:AccessControlMethod", "dpv:ActivityMonitoring"},
	KeyShredded:   {"dpv:DataErasurePolicy"},
	KeyedHash:     {"dpv:HashMessageAuthenticationCode"},
	TokenHash:     {"dpv:HashFunctions"},
	RandomID:      {"dpv:RNGPseudonymisation"},
	ByPseudonym:   {"dpv:Pseudonymisation"},
}

func process(id string, e Entry) node {
	n := node{
		"@id": id, "@type": "dpv:PersonalDataProcess", "dct:title": e.Name(),
		"dpv:hasPersonalData":     ref("#category-" + string(e.Category)),
		"dpv:hasDataController":   node{"@type": "dpv:DataController", "dct:title": e.Controller},
		"dpv:hasDataSource":       node{"@type": "dpv:DataSource", "dct:description": e.Source},
		"dpv:hasStorageCondition": node{"@type": "dpv:StorageDuration", "dct:description": e.Retention},
		"dpv:hasRiskLevel":        node{"@type": "dpv:RiskLevel", "dct:title": string(e.Risk)},
		"dpv:hasScope":            e.Brands,
		"dpv:hasDataSubject":      refs("#people-", e.People),
		"dpv:hasPurpose":          refs("#purpose-", e.Purposes),
	}
	if e.Controller == Operator {
		n["dpv:hasDataController"] = ref("#controller")
	}
	measures := []node{}
	for _, m := range e.Measures {
		measures = append(measures, node{"@type": dpvMeasures[m], "dct:description": string(m)})
	}
	n["dpv:hasTechnicalOrganisationalMeasure"] = measures
	named(n, "dpv:hasRecipient", "dpv:Recipient", e.Recipients)
	named(n, "dpv:hasDataProcessor", "dpv:DataProcessor", e.Processors)
	named(n, "dpv:hasThirdCountry", "dpv:ThirdCountry", e.Transfers)
	if description := strings.TrimSpace(e.Note); description != "" {
		n["dct:description"] = description
	}
	return n
}

func refs[K ~string](prefix string, keys []K) []node {
	nodes := make([]node, len(keys))
	for i, k := range keys {
		nodes[i] = ref(prefix + string(k))
	}
	return nodes
}

// named adds a property only where it has values.
func named(n node, property, kind string, names []string) {
	var nodes []node
	for _, name := range names {
		nodes = append(nodes, node{"@type": kind, "dct:title": name})
	}
	if nodes != nil {
		n[property] = nodes
	}
}
