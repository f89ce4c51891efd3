use super::*;

#[test]
fn what_cannot_be_paid_spends_the_rest() {
    let budget = WorkBudget::of_request();
    assert!(budget.pay(UNITS - 1));
    assert!(!budget.pay(2));
    assert!(!budget.pay(1));
    assert!(budget.pay(0));
}
