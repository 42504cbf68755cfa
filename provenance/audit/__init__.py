"""What any dataset holds: prevalence of machine text, diversity and collapse, with intervals."""
