package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/datasetmix/datasetmix/internal/recipe"
)

// changes returns the innermost members in which two recipes differ. An item of a list is named by its name, if all items have one.
func changes(before, after recipe.Recipe) []Change {
	var all []Change
	compareValues("", plain(before), plain(after), &all)
	return all
}

// plain returns the members of a recipe as decoded JSON, with exact numbers.
func plain(r recipe.Recipe) map[string]any {
	encoded, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("compare: plain data does not marshal: %v", err)) // only strings, integers and structs
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var value map[string]any
	_ = decoder.Decode(&value) // what was encoded above
	return value
}

func compareValues(path string, before, after any, all *[]Change) {
	if text(before) == text(after) {
		return
	}
	first, isMap := before.(map[string]any)
	second, too := after.(map[string]any)
	if isMap && too {
		for _, name := range union(first, second) {
			at := name
			if path != "" {
				at = path + "." + name
			}
			compareValues(at, first[name], second[name], all)
		}
		return
	}
	firstItems, namedFirst := byName(before)
	secondItems, namedSecond := byName(after)
	if namedFirst && namedSecond {
		count := len(*all)
		for _, name := range union(firstItems, secondItems) {
			compareValues(path+"["+name+"]", firstItems[name], secondItems[name], all)
		}
		if len(*all) > count { // else only their order differs
			return
		}
	}
	*all = append(*all, Change{Path: path, Before: text(before), After: text(after)})
}

// byName returns the items of a list by their names; ok is false if an item has no name, or two have the same.
func byName(value any) (items map[string]any, ok bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	items = map[string]any{}
	for _, item := range list {
		members, _ := item.(map[string]any)
		name, named := members["name"].(string)
		if _, taken := items[name]; !named || taken {
			return nil, false
		}
		items[name] = item
	}
	return items, true
}

// union returns the names of two maps, sorted.
func union(a, b map[string]any) []string { return slices.Sorted(maps.Keys(merged(a, b))) }

// text returns a value as JSON; empty for nil.
func text(value any) string {
	if value == nil {
		return ""
	}
	encoded, _ := json.Marshal(value) // what was decoded from JSON
	return string(encoded)
}
