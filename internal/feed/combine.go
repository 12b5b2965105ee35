package feed

// An Axis is one name of a `for` and its values.
type Axis struct {
	Name   string
	Values []string
}

// Combinations returns one map of names to values for each combination, the last
// axis changing fastest. No axes make none.
func Combinations(axes []Axis) []map[string]string {
	if len(axes) == 0 {
		return nil
	}
	out := []map[string]string{{}}
	for _, a := range axes {
		var next []map[string]string
		for _, before := range out {
			for _, value := range a.Values {
				next = append(next, with(before, a.Name, value))
			}
		}
		out = next
	}
	return out
}

func with(values map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for n, v := range values {
		out[n] = v
	}
	return out
}
