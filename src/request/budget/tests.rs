use super::*;

#[test]
fn a_payment_beyond_the_budget_exhausts_it() {
    let budget = WorkBudget::of_request();
    assert!(budget.pay(UNITS - 1));
    assert!(!budget.pay(2));
    assert!(!budget.pay(1));
    assert!(budget.pay(0));
}
