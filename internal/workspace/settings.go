package workspace

import (
	"math/bits"
	"slices"
)

// A draft is a feedmill.yaml as it was read, before its parts are checked
// against each other.
type draft struct {
	sources   []sourceDraft
	offer     *offerDraft
	feeds     value // the folders, where the file names them
	templates value
}

// DefaultMemory bounds a process of a workspace that says nothing.
const DefaultMemory = 1_500_000_000

// DefaultPartitions is the count of a workspace that says nothing.
const DefaultPartitions = 8

// maxPartitions keeps names of five digits.
const maxPartitions = 65536

// settings reads the whole of feedmill.yaml.
func (v value) settings(ws *Workspace) draft {
	var d draft
	has := v.object(everything(ws, &d))
	if v.isMap() {
		v.sections(has)
	}
	return d
}

// everything is what feedmill.yaml may say.
func everything(ws *Workspace, d *draft) fields {
	return fields{
		"warehouse":    func(v value) { ws.Warehouse = v.location().Value },
		"stores":       func(v value) { v.stores(ws) },
		"partitions":   func(v value) { ws.Partitions = v.powerOfTwo() },
		"memory":       func(v value) { ws.Memory = v.size() },
		"engine":       func(v value) { v.engine(&ws.Engine) },
		"sources":      func(v value) { d.sources = v.sources() },
		"offer":        func(v value) { d.offer = v.offer() },
		"guard":        func(v value) { v.guard(&ws.Guard) },
		"kafka":        func(v value) { ws.Kafka = v.kafka() },
		"destinations": func(v value) { ws.Destinations = v.destinations() },
		"notify":       func(v value) { ws.Notify = v.notices() },
		"serve":        func(v value) { v.serve(&ws.Serve) },
		"retention":    func(v value) { v.retention(&ws.Retention) },
		"s3":           func(v value) { v.s3(&ws.S3) },
		"hdfs":         func(v value) { v.hdfs(&ws.HDFS) },
		"feeds":        func(v value) { d.feeds = v },
		"templates":    func(v value) { d.templates = v },
	}
}

// some reads the named sections of feedmill.yaml, and of the others only their names.
func (v value) some(ws *Workspace, sections []string) {
	known := everything(ws, &draft{})
	for name := range known {
		if !slices.Contains(sections, name) {
			known[name] = func(value) {}
		}
	}
	v.object(known)
}

// sections reports the sections that no workspace can do without.
func (v value) sections(has map[string]value) {
	for _, section := range []struct{ key, hint string }{
		{"sources", "it says where the facts about offers come from: sources: {name: {path: ..., format: ..., columns: ...}}"},
		{"offer", "it says which source the offers are: offer: {from: name}"},
	} {
		if _, found := has[section.key]; !found {
			d := v.page.At(0, 0, 0, "the file has no %s", section.key)
			v.report(d.WithHint("%s", section.hint))
		}
	}
}

func (v value) powerOfTwo() int {
	before := len(v.list)
	n := v.number(1)
	if len(v.list) > before {
		return DefaultPartitions
	}
	if n > maxPartitions {
		v.fail("%s cannot be more than %d", v.subject(), maxPartitions)
		return DefaultPartitions
	}
	if bits.OnesCount64(uint64(n)) != 1 {
		below := 1 << (bits.Len64(uint64(n)) - 1)
		v.report(v.at("%s must be a power of two, and this is %d", v.subject(), n).WithHint("%d and %d are the nearest", below, 2*below))
		return DefaultPartitions
	}
	return int(n)
}
